"""Publishes to topics."""

import json
from collections.abc import Mapping
from typing import Any

from function.declare.topic import Topic
from function.runtime import aws_client


def publish(
    topic: Topic, body: Mapping[str, Any], *, attributes: Mapping[str, str] | None = None
) -> str:
    """Publish an object of up to 256 KiB as JSON; return its id once SNS has confirmed it.

    Filter policies of subscriptions see the `attributes`, or the body. Raises Problem with 503 if
    SNS throttles the call or does not answer.
    """
    request = {
        "TopicArn": aws_client.resource(topic),
        "Message": json.dumps(body, allow_nan=False),
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value}
            for name, value in (attributes or {}).items()
        },
    }
    return str(aws_client.send("sns", "publish", {"topic": topic.name}, request)["MessageId"])
