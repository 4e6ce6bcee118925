"""docs/reference.md agrees with the code, and describes the names that a service uses."""

import inspect
import re
from typing import get_args

import pytest

from function.declare.auth import KINDS
from function.declare.permission import Permission
from function.declare.trigger import TRIGGERS
from local.stack_files import ROOT
from testing import events
from tools.docs import reference

DESCRIBED = {
    f"{module}.{name}" for _, module, names in reference.SECTIONS for name in names.split()
}
_IMPORT = re.compile(r"^from (function\.(?:declare|runtime)[\w.]*) import (.*)$", re.M)


@pytest.mark.conformance
def test_the_page_agrees_with_signatures_and_docstrings() -> None:
    written = reference.PAGE.read_text(encoding="utf-8")
    assert reference.page() == written, "docs/reference.md is stale; run: make snapshot"


def test_the_page_describes_every_name_that_an_example_imports() -> None:
    modules = {module for _, module, _ in reference.SECTIONS}
    imported = {
        f"{module}.{name.strip()}"
        for page in (ROOT / "docs").glob("**/*.md")
        for module, names in _IMPORT.findall(page.read_text(encoding="utf-8"))
        for name in names.split(",")
    }
    assert imported and not imported - DESCRIBED - modules


def test_the_page_describes_every_event_for_tests() -> None:
    public = {
        name
        for name, value in vars(events).items()
        if inspect.isfunction(value) and value.__module__ == events.__name__ and name[0] != "_"
    }
    assert not {f"{events.__name__}.{name}" for name in public} - DESCRIBED


def test_the_page_describes_every_trigger_and_permission() -> None:
    kinds = (*TRIGGERS, *get_args(Permission), *KINDS)
    types = {f"{kind.__module__}.{kind.__name__}" for kind in kinds}
    assert not types - DESCRIBED
