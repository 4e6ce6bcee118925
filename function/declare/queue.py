"""Queue: an SQS queue, declared in `function.queues`."""

from collections.abc import Iterator
from typing import NamedTuple

from function.declare.checks import name_errors, type_errors


class Queue(NamedTuple):
    """An SQS queue. The job that consumes it names it in a QueueTrigger."""

    name: str

    @property
    def env_var(self) -> str:
        """The environment variable that holds the queue's URL on AWS."""
        return f"QUEUE_{self.name.upper().replace('-', '_')}_URL"

    def errors(self) -> Iterator[str]:
        """Yield the reasons for which SQS would refuse it."""
        yield from type_errors(self, name=str)
        yield from name_errors(self.name)
