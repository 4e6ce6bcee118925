"""The call stacks that Pulumi stores with resources."""

from typing import Any

import pytest

from local import pulumi_program, stack_files

pytestmark = pytest.mark.conformance


def test_the_state_names_only_the_line_that_declares_a_resource(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines: dict[str, list[str]] = {}
    register = pulumi_program._Monitor.RegisterResource

    def recorded(monitor: Any, request: Any) -> Any:
        lines[request.type] = [frame.pc.uri for frame in request.stackTrace.frames]
        return register(monitor, request)

    monkeypatch.setattr(pulumi_program._Monitor, "RegisterResource", recorded)
    pulumi_program.declared_resources(stack_files.default_stack())
    del lines["pulumi:pulumi:Stack"]  # the SDK declares it
    assert all(len(frames) == 1 for frames in lines.values())
    assert lines["aws:dynamodb/table:Table"][0].endswith("components/table.py")
