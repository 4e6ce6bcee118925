"""Registrations without call stacks, and without the debug messages of Pulumi's SDK."""

from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks, resource, rpc_manager
from pulumi.runtime.proto.source_pb2 import StackFrame, StackTrace

import infrastructure
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

    monkeypatch.setattr(resource, "_get_stack_trace", one_frame)
    monkeypatch.setattr(pulumi_program._Monitor, "RegisterResource", recorded)
    pulumi_program.declared_resources(stack_files.default_stack())
    assert frames.pop("pulumi:pulumi:Stack") == 1  # registered before the program runs
    assert frames["aws:dynamodb/table:Table"] == 0
    assert not any(frames.values())


def test_debug_messages_of_the_sdk_do_not_reach_the_engine_but_your_own_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    messages: list[str] = []

    def recorded(_engine: mocks.MockEngine, request: Any) -> None:
        messages.append(request.message)

    own = infrastructure.infrastructure

    def logging(*arguments: Any) -> dict[str, Any]:
        pulumi.log.debug("my own message")
        return dict(own(*arguments))

    for module in (resource, rpc_manager):
        monkeypatch.setattr(module, "log", pulumi.log)
    monkeypatch.setattr(mocks.MockEngine, "Log", recorded)
    monkeypatch.setattr(infrastructure, "infrastructure", logging)
    pulumi_program.declared_resources(stack_files.default_stack())
    assert "my own message" in messages
    (of_resource,) = [message for message in messages if "ty=" in message]
    assert "ty=pulumi:pulumi:Stack" in of_resource  # registered before the program runs
    assert "beginning rpc register resource" not in messages
