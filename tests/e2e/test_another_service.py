"""A start of one's own: with another name, service and stage the rules hold."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from local import stack_files
from local.stack_files import ROOT
from tests.conftest import run_rules


def as_shop(specimen: Path) -> Path:
    """Turn a copy with the specimen's service into a project of another name."""
    settings = specimen / "Pulumi.yaml"
    settings.write_text(re.sub("(?m)^name: .*", "name: web-shop", settings.read_text()))
    shutil.rmtree(specimen / "tests" / "service")
    for path in (specimen / "tests" / "snapshots").iterdir():
        path.unlink()
    return specimen


def _run(project: Path, *command: str) -> str:
    run = subprocess.run(
        [sys.executable, *command], cwd=project, capture_output=True, text=True, check=False
    )
    assert not run.returncode, run.stdout + run.stderr
    return run.stdout


def test_another_service_has_its_demo_and_green_rules(specimen: Path) -> None:
    shop = as_shop(specimen)
    _run(shop, "-m", "tools.checks.snapshot")
    shown = _run(shop, "-m", "local")
    assert "Starting stack trial" in shown and "/trial/things\n  201" in shown
    assert 'Stored item\n  {"id": {"S": ' in shown and "Trace 1-" in shown
    _run(shop, "-m", "tools.docs.diagram")
    dead = subprocess.run([sys.executable, "-m", "vulture"], cwd=shop, stdout=-1, check=False)
    assert not [line for line in dead.stdout.splitlines() if b"unused variable" not in line]
    run_rules(shop)


def test_another_name_and_description_alone_leave_nothing_to_write_anew(project: Path) -> None:
    settings = project / "Pulumi.yaml"
    renamed = re.sub("(?m)^name: .*", "name: my-shop", settings.read_text())
    settings.write_text(re.sub("(?m)^description: .*", "description: Sells.", renamed))
    modules = [
        "tests/unit/console/test_diagram.py",
        "tests/e2e/test_openapi.py::test_the_commands_document_is_the_committed_one_and_valid",
        "tests/unit/tools/checks/test_snapshot.py",
    ]
    assert " passed" in _run(project, "-m", "pytest", "-q", "-x", *modules)


def test_what_pulumi_new_asks_for_is_config_that_the_stacks_have() -> None:
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    template = project.get("template", {"config": {}})  # a project that it made has none
    for key, asked in template["config"].items():
        assert asked["description"] and asked["default"]
        assert all(key in stack_files.stack_config(stack) for stack in stack_files.stacks())


def test_without_a_sample_the_demo_says_how_to_add_one(specimen: Path) -> None:
    module = specimen / "function" / "endpoints" / "post_thing.py"
    module.write_text(module.read_text().replace("    sample=SampleRequest(),\n", ""))
    shown = _run(specimen, "-m", "local")
    assert "add sample=SampleRequest() to an ENDPOINT" in shown and "\nStopped after" in shown
