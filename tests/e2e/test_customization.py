"""A team's own customize.py in the local run."""

from typing import Any

import pytest

from local import local_stack
from tests.conftest import STACK, plain


def test_a_customized_property_is_in_the_local_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def customize(kind: str, _name: str, properties: dict[str, Any]) -> None:
        if kind == "aws:lambda/function:Function":
            properties["memory_size"] = 640

    monkeypatch.setattr("customize.customize", customize)
    with local_stack.up(STACK, config=plain()) as stack:
        client = stack.emulator.client("lambda")
        found = client.get_function_configuration(FunctionName=stack.outputs["function_name"])
    assert found["MemorySize"] == 640
