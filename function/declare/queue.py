"""Queue: an SQS queue, declared in `function.queues`."""

from typing import Annotated, NamedTuple

from function.declare.checks import Name, between


class Queue(NamedTuple):
    """An SQS queue. The job that consumes it names it in a QueueTrigger.

    `fifo` keeps the messages of a group in order. SQS hides each new message for `delay_s` seconds.
    """

    name: Name
    fifo: bool = False
    delay_s: Annotated[int, between(0, 900)] = 0

    @property
    def env_var(self) -> str:
        """The environment variable that holds the queue's URL on AWS."""
        return f"QUEUE_{self.name.upper().replace('-', '_')}_URL"
