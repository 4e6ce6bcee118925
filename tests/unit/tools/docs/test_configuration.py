"""docs/configuration.md agrees with the code."""

import re

import pytest

from local.stack_files import ROOT
from tools.docs import configuration

TEXT = configuration.PAGE.read_text(encoding="utf-8")


@pytest.mark.conformance
def test_the_tables_agree_with_stack_keys_and_makefile() -> None:
    assert configuration.page(TEXT) == TEXT, "docs/configuration.md is stale; run: make snapshot"


def test_every_environment_variable_is_documented() -> None:
    found: set[str] = set()
    for path in (*ROOT.glob("[!.]*/**/*.py"), ROOT / "__main__.py", ROOT / "Makefile"):
        if not any(part.startswith(".") for part in path.relative_to(ROOT).parts):
            found |= set(re.findall(r"\bEPOCH_(?!SCHEMA)[A-Z_]+", path.read_text(encoding="utf-8")))
    documented = set(re.findall(r"^\| `(EPOCH_[A-Z_]+)", TEXT, re.M))
    assert documented == found
