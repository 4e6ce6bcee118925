"""With all examples of docs/extending/ the rules stay green; its own file, as it takes a minute."""

from pathlib import Path

import pytest

from tests.conftest import WRITE, run_python, run_rules
from tests.e2e.test_extending import extend
from tools import post_epoch

# Runs in the copy: prints the scan's findings.
SCAN = "from tools.checks import scan\nprint(*scan._stacks(), sep='\\n', end='')\n"


@pytest.mark.skipif(not post_epoch.is_declared(), reason="the examples extend POST /epoch")
def test_the_rules_hold_for_the_service_of_all_examples(project: Path) -> None:
    extend(project)
    _, *others = sorted(project.glob("Pulumi.*.yaml"), reverse=True)
    for stack in others:  # the rules are the same for each stack; this one protects its data
        stack.unlink()
    assert not run_python(project, "-c", WRITE + SCAN)
    run_rules(project)
