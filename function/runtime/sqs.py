"""Sends messages to the stack's queues."""

import json
import os
from collections.abc import Mapping
from typing import Any

from function.declare.queue import Queue
from function.runtime import aws_client


def send(
    queue: Queue,
    body: Mapping[str, Any],
    *,
    delay_s: int | None = None,
    group: str = "",
    deduplication_id: str = "",
) -> str:
    """Send an object of up to 1 MiB as JSON; return the message's id once SQS has confirmed it.

    `delay_s` hides this message for up to 900 seconds, instead of the queue's own delay. A FIFO
    queue needs a `group`, whose messages stay in order, and takes no `delay_s`. It drops a message
    whose `deduplication_id` it got within the last five minutes; the default is a new one.

    Raises Problem with 503 if SQS throttles the call or does not answer.
    """
    request: dict[str, Any] = {
        "QueueUrl": aws_client.resource(queue),
        "MessageBody": json.dumps(body, allow_nan=False),
    }
    if delay_s is not None:
        request["DelaySeconds"] = delay_s
    if group:
        request["MessageGroupId"] = group
        request["MessageDeduplicationId"] = deduplication_id or os.urandom(16).hex()
    if trace := os.environ.get("_X_AMZN_TRACE_ID"):
        header = {"DataType": "String", "StringValue": trace}
        request["MessageSystemAttributes"] = {"AWSTraceHeader": header}
    return str(aws_client.send("sqs", "send_message", {"queue": queue.name}, request)["MessageId"])
