"""The calls that send messages to queues and publish them to topics."""

from collections.abc import Mapping
from typing import Any

import pytest

from function.declare.queue import Queue
from function.declare.topic import Topic
from function.runtime import aws_client, sns, sqs

PLAIN, ORDERED, NEWS = Queue(name="plain"), Queue(name="ordered", fifo=True), Topic(name="news")
Sent = list[tuple[str, str, dict[str, Any]]]


@pytest.fixture(name="sent")
def _sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Return the calls of AWS."""
    sent: Sent = []

    def send(service: str, operation: str, _: object, request: dict[str, Any]) -> Mapping[str, str]:
        sent.append((service, operation, request))
        return {"MessageId": "1"}

    monkeypatch.setattr(aws_client, "send", send)
    monkeypatch.delenv("_X_AMZN_TRACE_ID", raising=False)
    for one in (PLAIN, ORDERED, NEWS):
        monkeypatch.setenv(one.env_var, one.name)
    return sent


def test_a_message_has_its_own_delay(sent: Sent) -> None:
    assert sqs.send(PLAIN, {"a": 1}, delay_s=0) == "1"
    body = {"QueueUrl": "plain", "MessageBody": '{"a": 1}'}
    assert sent == [("sqs", "send_message", {**body, "DelaySeconds": 0})]


def test_a_message_of_a_group_is_never_a_duplicate_by_itself(sent: Sent) -> None:
    sqs.send(ORDERED, {}, group="one")
    sqs.send(ORDERED, {}, group="one")
    sqs.send(ORDERED, {}, group="one", deduplication_id="same")
    assert {request["MessageGroupId"] for *_, request in sent} == {"one"}
    identities = [request["MessageDeduplicationId"] for *_, request in sent]
    assert len(set(identities)) == 3 and identities[2] == "same"


def test_a_published_message_has_attributes(sent: Sent) -> None:
    assert sns.publish(NEWS, {"a": 1}, attributes={"kind": "big"}) == "1"
    ((service, operation, request),) = sent
    assert (service, operation, request["TopicArn"]) == ("sns", "publish", "news")
    assert request["Message"] == '{"a": 1}'
    assert request["MessageAttributes"] == {"kind": {"DataType": "String", "StringValue": "big"}}
