"""Everything that a stack declares, compared with the snapshot that was reviewed."""

import difflib
from dataclasses import replace

import pytest

from local import pulumi_program, stack_files
from tests.conftest import declare
from tools.checks import snapshot


@pytest.mark.parametrize("stack", stack_files.stacks())
def test_the_stack_declares_what_its_snapshot_shows(stack: str) -> None:
    reviewed = snapshot.path(stack).read_text(encoding="utf-8").splitlines()
    declared = snapshot.text(pulumi_program.declared_resources(stack)).splitlines()
    change = "\n".join(
        difflib.unified_diff(reviewed, declared, "reviewed", "declared", lineterm="")
    )
    assert not change, f"`make snapshot` takes this change over:\n{change}"


def test_a_secret_is_marked_and_never_written() -> None:
    (key,) = [r for r in declare() if r.kind.endswith(":ApiKey")]
    hidden = replace(key, inputs={"value": "hush"}, secret=frozenset({"value"}))
    text = snapshot.text([hidden])
    assert "value: a secret" in text and "hush" not in text


def test_two_resources_never_share_an_entry() -> None:
    resources = [r for r in declare() if not r.component]
    entries = [line for line in snapshot.text(resources).splitlines() if line.startswith("  aws:")]
    assert len(entries) == len(resources)
