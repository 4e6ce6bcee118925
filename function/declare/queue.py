"""Queue: an SQS queue, declared in `function.queues`."""

from typing import NamedTuple

from function.declare.checks import Name


class Queue(NamedTuple):
    """An SQS queue. The job that consumes it names it in a QueueTrigger."""

    name: Name

    @property
    def env_var(self) -> str:
        """The environment variable that holds the queue's URL on AWS."""
        return f"QUEUE_{self.name.upper().replace('-', '_')}_URL"
