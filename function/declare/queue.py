"""Queues, declared in `function.queues`."""

from collections.abc import Iterator
from typing import NamedTuple

from function.declare.checks import name_errors, type_errors


class Queue(NamedTuple):
    """An SQS queue; the job that takes its messages says so itself."""

    name: str

    @property
    def env_var(self) -> str:
        """The environment variable that holds the queue's URL on AWS."""
        return f"QUEUE_{self.name.upper().replace('-', '_')}_URL"

    def errors(self) -> Iterator[str]:
        """Return why SQS could not take it."""
        yield from type_errors(self, name=str)
        yield from name_errors(self.name)
