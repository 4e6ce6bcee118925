"""The call stacks that Pulumi stores with resources."""

from typing import Any

import pulumi
import pytest
from pulumi.runtime.proto.source_pb2 import StackFrame, StackTrace

from local import pulumi_program, stack_files

pytestmark = pytest.mark.conformance


def test_resources_are_registered_without_call_stacks(monkeypatch: pytest.MonkeyPatch) -> None:
    frames: dict[str, int] = {}
    register = pulumi_program._Monitor.RegisterResource

    def recorded(monitor: Any, request: Any) -> Any:
        frames[request.type] = len(request.stackTrace.frames)
        return register(monitor, request)

    def one_frame() -> StackTrace:
        return StackTrace(frames=[StackFrame()])

    monkeypatch.setattr(pulumi.runtime.resource, "_get_stack_trace", one_frame)
    monkeypatch.setattr(pulumi_program._Monitor, "RegisterResource", recorded)
    pulumi_program.declared_resources(stack_files.default_stack())
    assert frames.pop("pulumi:pulumi:Stack") == 1  # registered before the program runs
    assert frames["aws:dynamodb/table:Table"] == 0
    assert not any(frames.values())
