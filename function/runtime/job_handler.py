"""Lambda's entry point of a job: handles each item of an event and reports the failed ones."""

import json
import os
import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache, partial
from typing import Any
from urllib.parse import unquote_plus

from function.declare import trigger
from function.declare.job import Job
from function.declare.loader import load_module
from function.declare.problem import Problem
from function.runtime import deadline, telemetry
from function.runtime.settings import SETTINGS

Event = Mapping[str, Any]
EventHandler = Callable[[Event, Any], Event]


@cache
def _job() -> Job:
    return load_module("function.jobs", os.environ["JOB_NAME"], Job)


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    _job()
    telemetry.warm_up()


def _handle(item: Callable[[], Any], context: Any, **fields: Any) -> BaseException | None:
    """Let the job handle an item and log it; return the exception that the item caused.

    SystemExit and its like are failures of the item, too: they must not end the worker.
    """
    started = time.perf_counter()
    failure: BaseException | None = None
    with telemetry.trace(os.environ["JOB_NAME"]) as span:
        try:
            # An item that takes too long fails alone, before Lambda fails the whole batch.
            result: Any = deadline.call_with_deadline(
                900, lambda: _job().handle(item()._replace(context=context)), 0.2
            )
            if result is not None and not isinstance(result, Mapping):
                raise TypeError(
                    f"the job's handle returned {type(result).__name__}; return None or a mapping"
                )
            span.set_result(200, result or {})
        except BaseException as error:  # noqa: BLE001
            failure = error
            telemetry.log_exception(error, fields)
            span.set_result(error.status if isinstance(error, Problem) else 500, {})
    telemetry.log_request(
        span,
        {
            "lambdaRequestId": getattr(context, "aws_request_id", ""),
            "latencyMs": round((time.perf_counter() - started) * 1000, 3),
            **fields,
        },
    )
    return failure


def _unix_second(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def _parsed(text: str) -> Any:
    """Return the value of a JSON text, or any other text itself."""
    with suppress(ValueError):
        return json.loads(text)
    return text


def _scheduled_run(event: Event) -> trigger.ScheduledRun:
    scheduled, payload = _unix_second(event["scheduled"]), event.get("payload")
    return trigger.ScheduledRun(scheduled, SETTINGS, payload=payload)


def _message(record: Event, attempt: int, group: str) -> trigger.Message:
    body = _parsed(record["body"])
    return trigger.Message(record["messageId"], body, attempt, SETTINGS, group=group)


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return an attribute of a stream's item as boto3 has it: Lambda's event is JSON, so it holds
    Binary values in base64."""
    ((kind, data),) = value.items()
    if kind == "B":
        return {kind: b64decode(data)}
    if kind == "BS":
        return {kind: [b64decode(member) for member in data]}
    if kind == "L":
        return {kind: [_attribute(member) for member in data]}
    return {kind: _item(data) if kind == "M" else data}


def _item(image: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _attribute(value) for name, value in image.items()}


def _stream_record(record: Event) -> trigger.StreamRecord:
    change, deleted_by = record["dynamodb"], record.get("userIdentity") or {}
    return trigger.StreamRecord(
        id=change["SequenceNumber"],
        event_name=record["eventName"],
        old=_item(change.get("OldImage", {})),
        new=_item(change.get("NewImage", {})),
        settings=SETTINGS,
        time=int(change.get("ApproximateCreationDateTime", 0)),
        expired=deleted_by.get("principalId") == "dynamodb.amazonaws.com",
    )


def _created_object(record: Event) -> trigger.CreatedObject:
    found = record["s3"]["object"]
    return trigger.CreatedObject(
        bucket=record["s3"]["bucket"]["name"],
        key=unquote_plus(found["key"]),
        size=found["size"],
        etag=found["eTag"],
        settings=SETTINGS,
    )


def _notification(record: Event) -> trigger.Notification:
    sent = record["Sns"]
    attributes = sent.get("MessageAttributes") or {}
    return trigger.Notification(
        id=sent["MessageId"],
        body=_parsed(sent["Message"]),
        attributes={name: attribute["Value"] for name, attribute in attributes.items()},
        settings=SETTINGS,
        subject=sent.get("Subject") or "",
    )


def _bus_event(event: Event) -> trigger.BusEvent:
    return trigger.BusEvent(
        id=event["id"],
        source=event["source"],
        detail_type=event["detail-type"],
        detail=event["detail"],
        time=_unix_second(event["time"]),
        settings=SETTINGS,
        resources=tuple(event["resources"]),
    )


def _consume_queue(event: Event, context: Any) -> Event:
    """Handle each message and return the failed ones; SQS deletes the others.

    In a FIFO queue, a failed message also fails those behind it in its group, which keeps them in
    order.
    """
    failed: list[str] = []
    failed_groups: set[str] = set()
    for record in event["Records"]:
        name, attributes = record["messageId"], record["attributes"]
        fifo = record.get("eventSourceARN", "").endswith(".fifo")
        group = attributes["MessageGroupId"] if fifo else ""
        attempt = int(attributes["ApproximateReceiveCount"])
        message = partial(_message, record, attempt, group)
        if group in failed_groups or _handle(message, context, messageId=name, attempt=attempt):
            failed.append(name)
            failed_groups |= {group} - {""}
    return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}


def _consume_stream(event: Event, context: Any) -> Event:
    """Handle records in order up to the first failure; Lambda retries from that record on."""
    for record in event["Records"]:
        name = record["dynamodb"]["SequenceNumber"]
        if _handle(partial(_stream_record, record), context, sequenceNumber=name):
            return {"batchItemFailures": [{"itemIdentifier": name}]}
    return {"batchItemFailures": []}


def _consume_event(
    read: Callable[[Event], Any], fields: Callable[[Event], dict[str, Any]]
) -> EventHandler:
    """Return a handler for an event of one or more items; a failure makes Lambda retry it.

    `read` returns an item, and `fields` the fields that name it in the log.
    """

    def consume(event: Event, context: Any) -> Event:
        for record in event.get("Records", [event]):
            failure = _handle(partial(read, record), context, **fields(record))
            if isinstance(failure, Exception):
                raise failure
            if failure:  # SystemExit, for example, would end the worker
                raise RuntimeError(f"the job raised {failure!r}") from failure
        return {}

    return consume


# One entry for each trigger of function.declare.trigger.TRIGGERS.
EVENT_HANDLERS: Mapping[type, EventHandler] = {
    trigger.ScheduleTrigger: _consume_event(
        _scheduled_run, lambda run: {"scheduled": run["scheduled"]}
    ),
    trigger.QueueTrigger: _consume_queue,
    trigger.StreamTrigger: _consume_stream,
    trigger.ObjectTrigger: _consume_event(_created_object, lambda _: {}),
    trigger.TopicTrigger: _consume_event(
        _notification, lambda one: {"messageId": one["Sns"]["MessageId"]}
    ),
    trigger.EventTrigger: _consume_event(_bus_event, lambda event: {"eventId": event["id"]}),
}


def handler(event: Event, context: Any) -> Event:
    """Handle one event of the job's trigger; raise KeyError for a trigger without a handler."""
    deadline.begin_invocation(context)
    return EVENT_HANDLERS[type(_job().trigger)](event, context)
