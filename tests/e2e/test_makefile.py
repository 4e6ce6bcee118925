"""The targets of the Makefile."""

import subprocess
from pathlib import Path

from local.stack_files import ROOT
from tests.unit.github.test_workflows import called, targets


def test_every_make_target_exists() -> None:
    for where, words in called("make"):
        for target in targets(words):
            made = subprocess.run(
                ["make", "--dry-run", *words], cwd=ROOT, capture_output=True, text=True, check=False
            )
            assert made.returncode == 0, f"{where}: make {target}: {made.stderr}"


def test_a_project_without_tests_of_its_service_runs_the_other_ones(tmp_path: Path) -> None:
    run = subprocess.run(
        ["make", "--dry-run", f"--file={ROOT / 'Makefile'}", "--old-file=.venv/.ready", "test"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "tests/unit" in run.stdout and "tests/e2e" in run.stdout, run.stderr
    assert "tests/service" not in run.stdout
