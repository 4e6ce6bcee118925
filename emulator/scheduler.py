"""What starts functions by itself, as AWS has it: schedules, and retries of what runs unattended.

MiniStack fires schedules by UTC, within ten seconds and whatever their role may do, and ignores how
an alias is to be retried.
"""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ministack.core import responses
from ministack.services import eventbridge, lambda_svc, scheduler

from emulator import iam

# pylint: disable=protected-access
_create_schedule = scheduler._create_schedule
_put_invoke_config = lambda_svc._put_event_invoke_config
_invoke_async = lambda_svc.invoke_async_with_retry

# By account, region and name: the second that a schedule last fired at.
_fired: dict[Any, float] = {}
_STARTED = time.time()


# -- Schedules --
def due(schedule: Mapping[str, Any], last: float) -> float | None:
    """Return the first second after `last` at which a schedule fires."""
    expression = schedule["ScheduleExpression"]
    zone = ZoneInfo(schedule["ScheduleExpressionTimezone"])
    if expression.startswith("at("):
        moment = datetime.fromisoformat(expression[3:-1]).replace(tzinfo=zone).timestamp()
        return moment if moment > last else None
    if every := eventbridge._parse_rate_seconds(expression):
        return last + float(every)
    fields = eventbridge._parse_cron_fields(expression)
    found = fields and eventbridge._cron_next_fire(fields, datetime.fromtimestamp(last, zone))
    return float(found.timestamp()) if found else None


def _tick() -> None:
    """Fire what is due."""
    for key, schedule in list(scheduler._schedules._data.items()):
        last = _fired.setdefault(key, max(schedule["CreationDate"], _STARTED))
        moment = due(schedule, last)
        if moment is None or moment > time.time():
            continue
        _fired[key] = moment
        responses.set_request_account_id(key[0])
        responses.set_request_region(key[1])
        _fire(schedule, moment)


def _fire(schedule: Mapping[str, Any], moment: float) -> None:
    target = schedule["Target"]
    scheduled = datetime.fromtimestamp(int(moment), UTC).isoformat().replace("+00:00", "Z")
    text = target.get("Input") or "{}"
    text = text.replace("<aws.scheduler.scheduled-time>", scheduled)
    principal = "scheduler.amazonaws.com"
    if iam.role_may(target["RoleArn"], principal, "lambda:InvokeFunction", target["Arn"]):
        eventbridge._dispatch_to_lambda(target["Arn"], text)
        return
    letters = target.get("DeadLetterConfig", {}).get("Arn", "")
    if iam.role_may(target["RoleArn"], principal, "sqs:SendMessage", letters):
        eventbridge._dispatch_to_sqs(eventbridge.parse_arn(letters), text)


def _make_schedule(name: str, body: dict[str, Any]) -> Any:
    role = body.get("Target", {}).get("RoleArn", "")
    if not iam.trusts(role, "scheduler.amazonaws.com"):
        return scheduler._error(
            400,
            "ValidationException",
            "The execution role you provide must allow AWS EventBridge Scheduler to assume it.",
        )
    return _create_schedule(name, body)


# -- Asynchronous invocations --
def _to_lambda(arn: str, payload: str) -> None:
    function, config, _ = lambda_svc._get_func_record_for_ref(arn)
    if function and config:
        record = lambda_svc._execution_record_for_config(function, config)
        _invoke_with_retries(record, json.loads(payload))


def _invoke_with_retries(function: dict[str, Any], event: Any) -> None:
    """Invoke a function as the alias says that leads to its version."""
    config = function.get("config") or function
    base, _, _ = lambda_svc._get_base_func_record_for_ref(config["FunctionName"])
    configs = base["event_invoke_configs"]
    for name, alias in base["aliases"].items():
        if alias["FunctionVersion"] == config["Version"] and name in configs:
            function = {**function, "event_invoke_config": configs[name]}
    _invoke_async(function, event)


def _put_retries(function: str, qualifier: str | None, data: dict[str, Any]) -> Any:
    target = data.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    if target and not function_may(function, "sqs:SendMessage", target):
        return refuse(
            "The function's execution role does not have permissions to call SendMessage on "
            f"{target}"
        )
    return _put_invoke_config(function, qualifier, data)


def function_may(function: str, action: str, resource: str) -> bool:
    """Return whether Lambda may do this in the name of a function's role."""
    record, _, _ = lambda_svc._get_base_func_record_for_ref(function)
    role = ((record or {}).get("config") or {}).get("Role", "")
    return iam.role_may(role, "lambda.amazonaws.com", action, resource)


def refuse(message: str) -> Any:
    """Return Lambda's answer to what a request got wrong."""
    return lambda_svc._invalid_parameter_value(message)


def install() -> None:
    """Take the place of MiniStack's functions; before the emulator starts."""
    replaced: tuple[tuple[Any, str, Any], ...] = (
        (scheduler, "_SCHEDULE_TICK_INTERVAL", 1),
        (scheduler, "_tick_schedules", _tick),
        (scheduler, "_create_schedule", _make_schedule),
        (eventbridge, "_dispatch_to_lambda", _to_lambda),
        (lambda_svc, "invoke_async_with_retry", _invoke_with_retries),
        (lambda_svc, "_put_event_invoke_config", _put_retries),
    )
    for module, name, own in replaced:
        setattr(module, name, own)
