"""The queues that endpoints and jobs may send to, and jobs take messages from."""

from collections.abc import Iterator
from typing import NamedTuple


class Queue(NamedTuple):
    """An SQS queue; which job takes its messages is that job's to declare."""

    name: str

    @property
    def environment(self) -> str:
        """The variable that tells the function its URL."""
        return f"QUEUE_{self.name.upper().replace('-', '_')}"


class Send(NamedTuple):
    """The permission to send to one of the stack's queues."""

    queue: str

    def problems(self) -> Iterator[str]:
        """Return why there could be no such permission."""
        if self.queue not in QUEUES:
            yield f"unknown queue {self.queue!r}; known queues: {', '.join(QUEUES) or 'none'}"


_DECLARED: tuple[Queue, ...] = ()

QUEUES = {queue.name: queue for queue in _DECLARED}
