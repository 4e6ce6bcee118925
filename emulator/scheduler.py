"""Runs EventBridge schedules in their time zone, on time, and with the rights of their role.

MiniStack runs them in UTC, up to ten seconds late, and without checking role and expression.
"""

import re
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

# The values of minutes, hours, days, months and weekdays.
_LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (1, 7))
_CRON_VALUES = [set(range(low, high + 1)) for low, high in _LIMITS]

# By account, region and name: the Unix time at which a schedule last ran.
_last_runs: dict[Any, float] = {}


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
    clock = datetime.fromtimestamp(last, zone).replace(tzinfo=UTC)  # the hands, without a change
    while clock := eventbridge._cron_next_fire(fields, clock):
        # A time that the clock skips has no run; of a repeated one, the first time has.
        moment = float(clock.replace(tzinfo=zone).timestamp())
        exists = datetime.fromtimestamp(moment, zone).replace(tzinfo=UTC) == clock
        if exists and moment > last:
            return moment
    return None


def _is_valid(expression: str) -> bool:
    """Check a schedule expression; AWS does not document a range such as SAT-SUN."""
    if expression.startswith("at("):
        return bool(re.fullmatch(r"at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)", expression))
    if eventbridge._parse_rate_seconds(expression):
        return True
    if not (fields := eventbridge._parse_cron_fields(expression)):
        return False
    minutes, hours, days, months, weekdays, *_ = fields
    found = (minutes, hours, days["days"], months, weekdays["days"])
    if not all(map(set.issuperset, _CRON_VALUES, found)):
        return False
    names = {**eventbridge._MONTH_NAMES, **eventbridge._DOW_NAMES}
    ranges = [
        [names.get(end) or int(end) for end in ends]
        for ends in re.findall(r"(\w+)-(\w+)", expression.upper())
    ]
    return ranges == [*map(sorted, ranges)]


def _tick_schedules() -> None:
    """Run every schedule whose time has come."""
    for key, schedule in list(scheduler._schedules._data.items()):
        last = _last_runs.setdefault(key, max(schedule["CreationDate"], _STARTED))
        moment = next_run(schedule, last)
        if schedule["State"] != "ENABLED" or moment is None or moment > time.time():
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


def _save_schedule(original: Original, name: str, body: dict[str, Any]) -> Any:
    expression = body.get("ScheduleExpression", "")
    if not _is_valid(expression):
        error = f"Invalid Schedule Expression {expression}."
        return scheduler._error(400, "ValidationException", error)
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
    wrap(scheduler, "_create_schedule", _save_schedule),
    wrap(scheduler, "_update_schedule", _save_schedule),
)
