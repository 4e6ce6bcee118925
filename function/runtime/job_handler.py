"""Lambda's entry point of a job: handles each item of an event and reports the failed ones."""

import json
import os
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import unquote_plus

from function.declare.job import Job
from function.declare.problem import Problem
from function.declare.registry import load_module
from function.declare.trigger import (
    CreatedObject,
    Message,
    ObjectTrigger,
    QueueTrigger,
    ScheduledRun,
    ScheduleTrigger,
    StreamRecord,
    StreamTrigger,
)
from function.runtime import telemetry
from function.runtime.settings import SETTINGS

Event = Mapping[str, Any]


@cache
def _job() -> Job:
    return load_module("function.jobs", os.environ["JOB_NAME"], Job)


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    _job()
    telemetry.warm_up()


def _handle(item: Any, context: Any, **fields: Any) -> Exception | None:
    """Let the job handle an item and log it; return the exception that the job raised."""
    started = time.perf_counter()
    failure: Exception | None = None
    with telemetry.trace(os.environ["JOB_NAME"]) as span:
        try:
            span.set_result(200, _job().handle(item) or {})
        except Exception as error:  # pylint: disable=broad-exception-caught
            failure = error
            telemetry.log_exception(error)
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


def _run_schedule(event: Event, context: Any) -> Event:
    """Run the job once; an exception makes Lambda retry the invocation."""
    scheduled = event["scheduled"]
    due = int(datetime.fromisoformat(scheduled).timestamp())
    if failure := _handle(ScheduledRun(time=due, settings=SETTINGS), context, scheduled=scheduled):
        raise failure
    return {}


def _parse(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body


def _consume_queue(event: Event, context: Any) -> Event:
    """Handle each message and return the failed ones; SQS deletes the others."""
    failed = []
    for record in event["Records"]:
        attempt = int(record["attributes"]["ApproximateReceiveCount"])
        message = Message(
            id=record["messageId"],
            body=_parse(record["body"]),
            attempt=attempt,
            settings=SETTINGS,
        )
        if _handle(message, context, messageId=message.id, attempt=attempt):
            failed.append({"itemIdentifier": message.id})
    return {"batchItemFailures": failed}


def _consume_stream(event: Event, context: Any) -> Event:
    """Handle records in order up to the first failure; Lambda retries from that record on."""
    for record in event["Records"]:
        change = record["dynamodb"]
        item = StreamRecord(
            id=change["SequenceNumber"],
            event_name=record["eventName"],
            old=change.get("OldImage", {}),
            new=change.get("NewImage", {}),
            settings=SETTINGS,
        )
        if _handle(item, context, sequenceNumber=item.id):
            return {"batchItemFailures": [{"itemIdentifier": item.id}]}
    return {"batchItemFailures": []}


def _handle_objects(event: Event, context: Any) -> Event:
    """Handle each created object; an exception makes Lambda retry the invocation."""
    for record in event["Records"]:
        found = record["s3"]["object"]
        item = CreatedObject(
            bucket=record["s3"]["bucket"]["name"],
            key=unquote_plus(found["key"]),
            size=found["size"],
            etag=found["eTag"],
            settings=SETTINGS,
        )
        if failure := _handle(item, context):
            raise failure
    return {}


# One entry for each trigger of function.declare.trigger.TRIGGERS.
EVENT_HANDLERS: Mapping[type, Callable[[Event, Any], Event]] = {
    ScheduleTrigger: _run_schedule,
    QueueTrigger: _consume_queue,
    StreamTrigger: _consume_stream,
    ObjectTrigger: _handle_objects,
}


def handler(event: Event, context: Any) -> Event:
    """Handle one event of the job's trigger; raise KeyError for a trigger without a handler."""
    return EVENT_HANDLERS[type(_job().trigger)](event, context)
