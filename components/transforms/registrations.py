"""Faster registrations of resources."""

import types

import pulumi


def speed_up_registrations() -> None:
    """Register resources without the details that only developers of Pulumi's SDK need.

    - Call stacks: the engine saves the state at each step, and they would be a third of it. Only
      Pulumi's JSON output shows them.
    - The SDK's debug messages: four calls of the engine for each resource, which wait for the
      response. `pulumi up --debug` still shows your own messages and those of the engine.

    Both come back if Pulumi renames the private names that this function replaces.
    """
    quiet = types.SimpleNamespace(**vars(pulumi.log) | {"debug": lambda *_, **__: None})
    resource, rpc_manager = pulumi.runtime.resource, pulumi.runtime.rpc_manager
    for module, name, value in (
        (resource, "_get_stack_trace", pulumi.runtime.proto.source_pb2.StackTrace),
        (resource, "log", quiet),
        (rpc_manager, "log", quiet),
    ):
        setattr(module, name, value)
