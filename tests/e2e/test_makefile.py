"""The targets of the Makefile."""

import subprocess

from local.stack_files import ROOT
from tests.unit.github.test_workflows import called, targets


def test_every_make_target_exists() -> None:
    for where, words in called("make"):
        for target in targets(words):
            made = subprocess.run(
                ["make", "--dry-run", *words], cwd=ROOT, capture_output=True, text=True, check=False
            )
            assert made.returncode == 0, f"{where}: make {target}: {made.stderr}"
