"""No call stacks in the state."""

import pulumi

_NAME = "_get_stack_trace"


def omit_call_stacks() -> None:
    """Store no call stack with a resource.

    The engine saves the state at each step, and call stacks are a third of it. Only Pulumi's JSON
    output shows them. They stay if Pulumi renames its private function.
    """
    if hasattr(pulumi.runtime.resource, _NAME):
        setattr(pulumi.runtime.resource, _NAME, pulumi.runtime.proto.source_pb2.StackTrace)
