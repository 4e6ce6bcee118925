"""Runs EventBridge schedules in their time zone, on time, and with the rights of their role.

MiniStack runs them in UTC, up to ten seconds late, and without checking the role.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ministack.core import responses
from ministack.services import eventbridge, scheduler

from emulator import iam
from emulator.patching import Original, replace, wrap

_PRINCIPAL = "scheduler.amazonaws.com"
_STARTED = time.time()

# By account, region and name: the Unix time at which a schedule last ran.
_last_runs: dict[Any, float] = {}


# pylint: disable=protected-access
def next_run(schedule: Mapping[str, Any], last: float) -> float | None:
    """Return the Unix time of a schedule's first run after `last`, or None if there is none."""
    expression = schedule["ScheduleExpression"]
    zone = ZoneInfo(schedule["ScheduleExpressionTimezone"])
    if expression.startswith("at("):
        moment = datetime.fromisoformat(expression[3:-1]).replace(tzinfo=zone).timestamp()
        return moment if moment > last else None
    if interval := eventbridge._parse_rate_seconds(expression):
        return last + float(interval)
    fields = eventbridge._parse_cron_fields(expression)
    found = fields and eventbridge._cron_next_fire(fields, datetime.fromtimestamp(last, zone))
    return float(found.timestamp()) if found else None


def _tick_schedules() -> None:
    """Run every schedule whose time has come."""
    for key, schedule in list(scheduler._schedules._data.items()):
        last = _last_runs.setdefault(key, max(schedule["CreationDate"], _STARTED))
        moment = next_run(schedule, last)
        if moment is None or moment > time.time():
            continue
        _last_runs[key] = moment
        responses.set_request_account_id(key[0])
        responses.set_request_region(key[1])
        _run(schedule, moment)


def _run(schedule: Mapping[str, Any], moment: float) -> None:
    """Invoke a schedule's target, or send the event to its dead-letter queue."""
    target = schedule["Target"]
    scheduled = datetime.fromtimestamp(int(moment), UTC).isoformat().replace("+00:00", "Z")
    text = target.get("Input") or "{}"
    text = text.replace("<aws.scheduler.scheduled-time>", scheduled)
    if iam.role_may(target["RoleArn"], _PRINCIPAL, "lambda:InvokeFunction", target["Arn"]):
        eventbridge._dispatch_to_lambda(target["Arn"], text)
        return
    queue = target.get("DeadLetterConfig", {}).get("Arn", "")
    if iam.role_may(target["RoleArn"], _PRINCIPAL, "sqs:SendMessage", queue):
        eventbridge._dispatch_to_sqs(eventbridge.parse_arn(queue), text)


def _create_schedule(original: Original, name: str, body: dict[str, Any]) -> Any:
    if not iam.trusts(body.get("Target", {}).get("RoleArn", ""), _PRINCIPAL):
        return scheduler._error(
            400,
            "ValidationException",
            "The execution role you provide must allow AWS EventBridge Scheduler to assume it.",
        )
    return original(name, body)


PATCHES = (
    replace(scheduler, "_SCHEDULE_TICK_INTERVAL", 1),  # seconds
    replace(scheduler, "_tick_schedules", _tick_schedules),
    wrap(scheduler, "_create_schedule", _create_schedule),
)
