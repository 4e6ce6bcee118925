"""Sends messages to the stack's queues."""

import json
import os
from collections.abc import Mapping
from typing import Any

from function.declare.queue import Queue
from function.runtime import aws_client


def send(queue: Queue, body: Mapping[str, Any]) -> str:
    """Send an object of up to 1 MiB as JSON; return the message's id once SQS has confirmed it.

    Raises Problem with 503 if SQS throttles the call or does not answer.
    """
    request: dict[str, Any] = {
        "QueueUrl": os.environ[queue.env_var],
        "MessageBody": json.dumps(body, allow_nan=False),
    }
    if trace := os.environ.get("_X_AMZN_TRACE_ID"):
        header = {"DataType": "String", "StringValue": trace}
        request["MessageSystemAttributes"] = {"AWSTraceHeader": header}
    return str(aws_client.send("sqs", "send_message", {"queue": queue.name}, request)["MessageId"])
