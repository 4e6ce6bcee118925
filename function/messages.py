"""Queues, declared in `function.queues`, and how to send to them."""

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from function.checks import wrong_types
from function.resources import collect, wrong_name


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


class Send(NamedTuple):
    """The permission to send to one of the stack's queues."""

    queue: str

    def problems(self) -> Iterator[str]:
        """Return why there could be no such permission."""
        yield from wrong_types(self, queue=str)
        yield from unknown_queue(self.queue)


def declared_queues() -> dict[str, Queue]:
    """Return the queues of `function.queues` by name; raise DeclarationError for a wrong one."""
    return collect(Queue, "function.queues")


def unknown_queue(name: str) -> Iterator[str]:
    """Return what to say of a queue's name that `function.queues` does not have."""
    if name not in (known := declared_queues()):
        yield f"unknown queue {name!r}; known queues: {', '.join(known) or 'none'}"


def send(queue: Queue, body: Mapping[str, Any]) -> str:
    """Send an object of up to 1 MiB of JSON; return its id once SQS has confirmed it.

    Raises Problem with 503 where SQS is throttled or does not answer.
    """
    from function import storage  # pylint: disable=import-outside-toplevel

    request: dict[str, Any] = {
        "QueueUrl": os.environ[queue.environment],
        "MessageBody": json.dumps(body, allow_nan=False),
    }
    if trace := os.environ.get("_X_AMZN_TRACE_ID"):
        header = {"DataType": "String", "StringValue": trace}
        request["MessageSystemAttributes"] = {"AWSTraceHeader": header}
    return str(storage.send("sqs", "send_message", {"queue": queue.name}, request)["MessageId"])
