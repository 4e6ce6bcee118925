"""Sends messages to the stack's queues."""

import json
import os
from collections.abc import Mapping
from typing import Any

from function import storage
from function.queues import Queue


def send(queue: Queue, body: Mapping[str, Any]) -> str:
    """Send a message, an object of up to 1 MiB of JSON, and return its id once SQS has confirmed it.

    Raises Problem with 503 where SQS is throttled or does not answer.
    """
    request: dict[str, Any] = {
        "QueueUrl": os.environ[queue.environment],
        "MessageBody": json.dumps(body, allow_nan=False),
    }
    if trace := os.environ.get("_X_AMZN_TRACE_ID"):
        header = {"DataType": "String", "StringValue": trace}
        request["MessageSystemAttributes"] = {"AWSTraceHeader": header}
    return str(storage.send("sqs", "send_message", {"queue": queue.name}, request)["MessageId"])
