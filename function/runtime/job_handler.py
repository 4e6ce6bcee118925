"""Lambda's entry point of a job: turns a trigger's event to items, and what fails to an answer."""

import json
import os
import time
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from function.declare.job import Change, Job, Message, Messages, Schedule, Tick
from function.declare.job_registry import load
from function.declare.problem import Problem
from function.runtime import telemetry
from function.runtime.settings import SETTINGS

Event = Mapping[str, Any]


@cache
def _job() -> Job:
    return load(os.environ["JOB"])


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    _job()
    telemetry.warm()


def _failure(item: Any, context: Any, **fields: Any) -> Exception | None:
    """Let the job handle an item; return what it raised."""
    started = time.perf_counter()
    failure: Exception | None = None
    with telemetry.trace(os.environ["JOB"]) as span:
        try:
            span.close(200, _job().handle(item) or {})
        except Exception as error:  # pylint: disable=broad-exception-caught
            failure = error
            telemetry.log_failure(error)
            span.close(error.status if isinstance(error, Problem) else 500, {})
    telemetry.log_request(
        span,
        {
            "requestId": getattr(context, "aws_request_id", ""),
            "latencyMs": round((time.perf_counter() - started) * 1000, 3),
            **fields,
        },
    )
    return failure


def _run(event: Event, context: Any) -> Event:
    due = int(datetime.fromisoformat(event["scheduled"]).timestamp())
    if failure := _failure(
        Tick(time=due, settings=SETTINGS), context, scheduled=event["scheduled"]
    ):
        raise failure  # Lambda repeats the invocation
    return {}


def _take(event: Event, context: Any) -> Event:
    """Return which messages are to come again; the others are done."""
    failed = []
    for record in event["Records"]:
        attempt = int(record["attributes"]["ApproximateReceiveCount"])
        message = Message(
            id=record["messageId"],
            body=_parsed(record["body"]),
            attempt=attempt,
            settings=SETTINGS,
        )
        if _failure(message, context, messageId=message.id, attempt=attempt):
            failed.append({"itemIdentifier": message.id})
    return {"batchItemFailures": failed}


def _parsed(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body


def _follow(event: Event, context: Any) -> Event:
    """Return the first change that failed: from there on they come again, in order."""
    for record in event["Records"]:
        about = record["dynamodb"]
        change = Change(
            id=about["SequenceNumber"],
            kind=record["eventName"],
            old=about.get("OldImage", {}),
            new=about.get("NewImage", {}),
            settings=SETTINGS,
        )
        if _failure(change, context, changeId=change.id):
            return {"batchItemFailures": [{"itemIdentifier": change.id}]}
    return {"batchItemFailures": []}


def handler(event: Event, context: Any) -> Event:
    """Handle one event of the job's trigger."""
    trigger = _job().trigger
    if isinstance(trigger, Schedule):
        return _run(event, context)
    return (_take if isinstance(trigger, Messages) else _follow)(event, context)
