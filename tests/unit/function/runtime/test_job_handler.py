"""A job's handler: each item fails alone, is logged, and looks as `dynamodb.call` would show it."""

import base64
import json
import logging
import threading
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from function.declare.problem import Problem
from function.declare.trigger import (
    BusEvent,
    CreatedObject,
    EventTrigger,
    Message,
    Notification,
    ObjectTrigger,
    QueueTrigger,
    ScheduledRun,
    ScheduleTrigger,
    StreamRecord,
    StreamTrigger,
    TopicTrigger,
    Trigger,
)
from function.runtime import job_handler
from function.runtime.settings import SETTINGS

Logged = Callable[[], list[dict[str, Any]]]


@pytest.fixture(name="logged")
def _logged(records: list[logging.LogRecord]) -> Logged:
    return lambda: [vars(record) for record in records]


def _messages(*bodies: str) -> dict[str, Any]:
    attributes = {"ApproximateReceiveCount": "1"}
    records = [
        {"messageId": str(number), "body": body, "attributes": {**attributes}}
        for number, body in enumerate(bodies, 1)
    ]
    return {"Records": records}


class Unreadable(Exception):
    """An exception whose text cannot be read."""

    def __str__(self) -> str:
        raise SystemExit


@pytest.mark.parametrize(
    "error",
    (SystemExit(3), KeyboardInterrupt(), GeneratorExit(), MemoryError(), Unreadable(), Exception()),
)
def test_a_message_that_raises_anything_fails_alone_and_is_named_in_the_log(
    job: Any, logged: Logged, error: BaseException
) -> None:
    handled: list[str] = []

    def handle(message: Message) -> None:
        handled.append(message.id)
        if message.id == "2":
            raise error

    job(QueueTrigger("orders"), handle)
    failed = job_handler.handler(_messages("{}", "{}", "{}"), None)["batchItemFailures"]
    assert failed == [{"itemIdentifier": "2"}] and handled == ["1", "2", "3"]
    (unexpected,) = [line for line in logged() if line["msg"] == "unexpected"]
    assert unexpected["messageId"] == "2" and unexpected["exc_info"]
    assert [line["outcome"] for line in logged() if line["msg"] == "request"] == [
        *("success", "failed", "success")
    ]


def test_a_failed_message_of_a_fifo_queue_fails_those_behind_it_in_its_group(job: Any) -> None:
    handled: list[tuple[str, str]] = []

    def handle(message: Message) -> None:
        handled.append((message.id, message.group))
        if message.id == "1":
            raise ValueError("wrong")

    job(QueueTrigger("orders"), handle)
    event = _messages("{}", "{}", "{}", "{}")
    for record, group in zip(event["Records"], "abab", strict=True):
        record["attributes"]["MessageGroupId"] = group
        record["eventSourceARN"] = "arn:aws:sqs:eu-central-1:123456789012:orders.fifo"
    failed = job_handler.handler(event, None)["batchItemFailures"]
    assert handled == [("1", "a"), ("2", "b"), ("4", "b")]
    assert failed == [{"itemIdentifier": "1"}, {"itemIdentifier": "3"}]


SOLD = {"id": "7", "source": "shop", "detail-type": "Sold", "detail": {"a": 1}}
OBJECT = {"bucket": {"name": "b"}, "object": {"key": "a+b%25", "size": 1, "eTag": "0"}}
SENT = {"MessageId": "7", "MessageAttributes": {"kind": {"Type": "String", "Value": "big"}}}
AT = "1970-01-01T00:01:00Z"


@pytest.mark.parametrize(
    ("trigger", "event", "item"),
    (
        (
            ScheduleTrigger("rate(1 day)"),
            {"scheduled": AT, "payload": {"kind": "full"}},
            ScheduledRun(60, SETTINGS, payload={"kind": "full"}),
        ),
        (
            TopicTrigger("news"),
            {"Records": [{"Sns": {**SENT, "Message": '{"a": 1}', "Subject": None}}]},
            Notification("7", {"a": 1}, {"kind": "big"}, SETTINGS),
        ),
        (
            EventTrigger(pattern={"source": ["shop"]}),
            {**SOLD, "time": AT, "resources": ["r"]},
            BusEvent("7", "shop", "Sold", {"a": 1}, 60, SETTINGS, resources=("r",)),
        ),
        (
            ObjectTrigger("uploads"),
            {"Records": [{"s3": OBJECT}]},
            CreatedObject("b", "a b%", 1, "0", SETTINGS),
        ),
    ),
)
def test_an_event_is_an_item(job: Any, trigger: Trigger, event: Any, item: Any) -> None:
    got: list[Any] = []
    job(trigger, got.append)
    assert job_handler.handler(event, None) == {} and got == [item]


def test_a_body_that_no_parser_can_read_does_not_stop_the_batch(job: Any, logged: Logged) -> None:
    poison = "[" * 100_000 + "]" * 100_000
    handled: list[str] = []
    job(QueueTrigger("orders"), lambda message: handled.append(message.id))
    result = job_handler.handler(_messages("{}", poison, "{}"), None)
    failed = {one["itemIdentifier"] for one in result["batchItemFailures"]}
    assert failed | {*handled} == {"1", "2", "3"} and failed <= {"2"} and "3" in handled
    assert {line["messageId"] for line in logged() if line["msg"] == "request"} == {"1", "2", "3"}


@pytest.mark.parametrize(
    "result",
    (lambda _: (n for n in ()), lambda _: True, lambda _: "done", lambda _: object()),
)
def test_a_result_that_is_no_mapping_is_a_failure(job: Any, logged: Logged, result: Any) -> None:
    job(QueueTrigger("orders"), result)
    failed = job_handler.handler(_messages("{}"), None)["batchItemFailures"]
    assert failed == [{"itemIdentifier": "1"}]
    (line,) = [line for line in logged() if line["msg"] == "unexpected"]
    assert "return None or a mapping" in str(line["exc_info"][1])


@pytest.mark.parametrize(
    "error", (SystemExit(0), KeyboardInterrupt(), ValueError("no"), Problem(503, "x"))
)
def test_a_schedule_fails_by_an_exception_that_keeps_the_worker(
    job: Any, error: BaseException
) -> None:
    def handle(_: Any) -> None:
        raise error

    job(ScheduleTrigger("rate(1 day)"), handle)
    with pytest.raises(Exception) as raised:
        job_handler.handler({"scheduled": "2030-01-31T12:00:00Z"}, None)
    assert raised.value is error or raised.value.__cause__ is error


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _record(**more: Any) -> dict[str, Any]:
    change = {"SequenceNumber": "7", **more.pop("dynamodb", {})}
    return {"Records": [{"eventName": "MODIFY", "dynamodb": change, **more}]}


def _seen(job: Any, event: Mapping[str, Any]) -> StreamRecord:
    seen: list[StreamRecord] = []
    job(StreamTrigger("things"), seen.append)
    assert job_handler.handler(event, None) == {"batchItemFailures": []}
    return seen[0]


def test_a_changed_item_has_the_types_that_boto3_gives_and_takes(job: Any) -> None:
    a, b = b"\x00\xff", b""
    sent = {
        "digest": {"B": _base64(a)},
        "digests": {"BS": [_base64(a), _base64(b)]},
        "B": {"S": "AP8="},
        "nested": {"M": {"B": {"L": [{"B": _base64(b)}, {"M": {"BS": {"BS": [_base64(a)]}}}]}}},
        "others": {
            "L": [{"N": "1"}, {"NULL": True}, {"BOOL": False}, {"SS": ["x"]}, {"NS": ["1"]}]
        },
    }
    new = {"k": {"B": _base64(a)}}
    change = {"OldImage": sent, "NewImage": new, "ApproximateCreationDateTime": 1795573645.0}
    record = _seen(job, _record(dynamodb=change))
    assert (record.time, record.settings) == (1795573645, SETTINGS)
    assert record.old == {
        "digest": {"B": a},
        "digests": {"BS": [a, b]},
        "B": {"S": "AP8="},
        "nested": {"M": {"B": {"L": [{"B": b}, {"M": {"BS": {"BS": [a]}}}]}}},
        "others": sent["others"],
    }
    assert record.new == {"k": {"B": a}}


@pytest.mark.parametrize(
    ("more", "expired"),
    (
        ({"userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"}}, True),
        ({"userIdentity": {"type": "Service", "principalId": "other.amazonaws.com"}}, False),
        ({"userIdentity": None}, False),
        ({}, False),
    ),
)
def test_a_removal_by_time_to_live_is_marked(job: Any, more: Any, expired: bool) -> None:
    assert _seen(job, _record(**more)).expired is expired


def test_a_record_that_cannot_be_read_holds_up_the_shard_and_is_named(
    job: Any, logged: Logged
) -> None:
    job(StreamTrigger("things"), print)
    event = _record(dynamodb={"NewImage": {"k": {"B": "A"}}})
    assert job_handler.handler(event, None)["batchItemFailures"] == [{"itemIdentifier": "7"}]
    assert [line["sequenceNumber"] for line in logged()] == ["7", "7"]


def test_a_log_line_is_json_whatever_the_fields_hold(job: Any, logged: Logged) -> None:
    fields = {"text": "x" * 100_000, "list": ["y" * 5_000], "huge": 10**5_000, "ok": True}
    job(QueueTrigger("orders"), lambda _: fields)
    job_handler.handler(_messages("{}"), None)
    (line,) = logged()
    assert line["text"] == "x" * 999 + "…" and len(line["list"]) == 1_000
    assert line["huge"] == "int" and line["ok"] is True
    assert len(json.dumps(line, default=str)) < 10_000


def test_an_item_that_never_ends_fails_with_the_later_ones_and_spares_the_earlier(
    job: Any, logged: Logged
) -> None:
    end, handled = threading.Event(), []

    def handle(message: Message) -> None:
        if message.body == "stuck":
            end.wait()
        handled.append(message.id)

    job(QueueTrigger(queue="things"), handle)
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 400)
    reply = job_handler.handler(_messages("a", "stuck", "b"), context)
    assert [failed["itemIdentifier"] for failed in reply["batchItemFailures"]] == ["2", "3"]
    assert handled == ["1"]
    errors = [str(line["exc_info"][1]) for line in logged() if line["exc_info"]]
    assert errors == ["no response within 0.2 s", "the invocation has no time left for a call"]
    end.set()
    assert job_handler.handler(_messages("c"), None) == {"batchItemFailures": []}
