"""Short call stacks in the state."""

import functools
import inspect
from typing import Any

import pulumi

_NAME = "_get_stack_trace"


def shorten_call_stacks() -> None:
    """Store only the line that declares a resource, and not the calls that lead to it.

    Otherwise, call stacks are a third of the state, which the engine saves at each step. They stay
    whole if Pulumi renames its private function.
    """
    resource = pulumi.runtime.resource
    if not hasattr(resource, _NAME):
        return
    whole = inspect.unwrap(getattr(resource, _NAME))

    @functools.wraps(whole)
    def declaring_line() -> Any:
        stack = whole()
        del stack.frames[1:]
        return stack

    setattr(resource, _NAME, declaring_line)
