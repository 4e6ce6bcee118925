"""The targets of the Makefile."""

from pathlib import Path

from local.stack_files import ROOT
from tests.conftest import output, run
from tests.unit.github.test_workflows import called, targets


def test_every_make_target_exists() -> None:
    for where, words in called("make"):
        for target in targets(words):
            made = run(ROOT, "make", "--dry-run", *words)
            assert made.returncode == 0, f"{where}: make {target}: {made.stderr}"


def test_a_project_without_tests_of_its_service_runs_the_other_ones(tmp_path: Path) -> None:
    file = f"--file={ROOT / 'Makefile'}"
    plan = output(tmp_path, "make", "--dry-run", file, "--old-file=.venv/.ready", "test")
    assert "tests/unit" in plan and "tests/e2e" in plan and "tests/service" not in plan
