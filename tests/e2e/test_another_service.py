"""A start of one's own: with another name, service and stage the rules hold."""

import re
import shutil
import sys
from pathlib import Path

import yaml

from local import stack_files
from local.stack_files import ROOT
from tests.conftest import WRITE, replace_service, run, run_python, run_rules


def as_shop(project: Path) -> Path:
    """Turn a copy into a project of another name, whose service is PUT /{code} with helpers beside
    it, no setting, and tests of its own."""
    shop = replace_service(project, "awkward_service")
    settings = shop / "Pulumi.yaml"
    settings.write_text(re.sub("(?m)^name: .*", "name: web-shop", settings.read_text()))
    shutil.rmtree(shop / "tests" / "service")
    for path in (shop / "tests" / "snapshots").iterdir():
        path.unlink()
    return shop


def test_another_service_has_its_demo_and_green_rules(project: Path) -> None:
    shop = as_shop(project)
    run_python(shop, "-c", WRITE)
    shown = run_python(shop, "-m", "local")
    assert "Starting stack trial" in shown and "/trial/Sample" in shown and "\n  200" in shown
    assert 'Stored item\n  {"code": {"S": ' in shown and "Trace 1-" in shown
    own = ["function", "tests/orders"]
    run_python(shop, "-m", "ruff", "check", *own)
    run_python(shop, "-m", "mypy", *own)
    dead = run(shop, sys.executable, "-m", "vulture").stdout.splitlines()
    assert not [line for line in dead if "unused variable" not in line]
    assert "1 passed" in run_python(shop, "-m", "pytest", "-q", "tests/orders")
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
    assert " passed" in run_python(project, "-m", "pytest", "-q", "-x", *modules)


def test_what_pulumi_new_asks_for_is_config_that_the_stacks_have() -> None:
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    template = project.get("template", {"config": {}})  # a project that it made has none
    for key, asked in template["config"].items():
        assert asked["description"] and asked["default"]
        assert all(key in stack_files.stack_config(stack) for stack in stack_files.stacks())
