"""Queues, declared in `function.queues`."""

from collections.abc import Iterator
from typing import NamedTuple

from function.declare.checks import wrong_name, wrong_types


class Queue(NamedTuple):
    """An SQS queue; the job that takes its messages says so itself."""

    name: str

    @property
    def environment(self) -> str:
        """The environment variable that tells the function the queue's URL on AWS."""
        return f"QUEUE_{self.name.upper().replace('-', '_')}"

    def problems(self) -> Iterator[str]:
        """Return why SQS could not take it."""
        yield from wrong_types(self, name=str)
        yield from wrong_name(self.name)
