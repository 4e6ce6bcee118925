"""Answers CloudWatch's Query protocol, and keeps all fields of alarms.

The AWS provider needs both. MiniStack omits most fields of a Query response, drops some fields of
alarms, and adds others that the alarm does not have.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from itertools import count, takewhile
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from ministack.services import cloudwatch

from emulator.patching import Original, wrap

# MiniStack drops these fields of an alarm.
_METRIC_MATH = ("Metrics", "ThresholdMetricId", "EvaluateLowSampleCountPercentile")
_SUPPRESSOR = (
    "ActionsSuppressor",
    "ActionsSuppressorWaitPeriod",
    "ActionsSuppressorExtensionPeriod",
)
# MiniStack adds these; an alarm on metric math has none of them, one on a percentile no Statistic.
_SINGLE_METRIC = ("MetricName", "Namespace", "Statistic", "Period", "Unit")


def _error(original: Original, code: str, message: str, *args: Any, **options: Any) -> Any:
    if code == "ResourceNotFound" and message.startswith("Dashboard "):
        code = "DashboardNotFoundError"
    return original(code, message, *args, **options)


def _put_metric_alarm(original: Original, params: Any, request: dict[str, Any], *args: Any) -> Any:
    reply = original(params, request, *args)
    if reply[0] == 200:
        alarm = cloudwatch._alarms[request["AlarmName"]]
        alarm.update({name: request[name] for name in _METRIC_MATH if name in request})
        for name in _SINGLE_METRIC if "Metrics" in request else ("Statistic",):
            if name not in request:
                del alarm[name]
    return reply


def _put_composite_alarm(
    original: Original, params: Any, request: dict[str, Any], *args: Any
) -> Any:
    reply = original(params, request, *args)
    if reply[0] == 200:
        alarm = cloudwatch._composite_alarms[request["AlarmName"]]
        alarm.update({name: request[name] for name in _SUPPRESSOR if name in request})
    return reply


@cache
def _service_model() -> Any:
    from botocore import session

    return session.get_session().get_service_model("cloudwatch")


def _decode(shape: Any, form: dict[str, str], prefix: str) -> Any:
    """Return the value of a shape from the form fields under a prefix, such as `Tags.member.1.`.

    Returns None if there is no such field.
    """
    if not any(f"{name}.".startswith(prefix) for name in form):
        return None
    match shape.type_name:
        case "structure":
            values = {
                name: _decode(member, form, f"{prefix}{name}.")
                for name, member in shape.members.items()
            }
            return {name: value for name, value in values.items() if value is not None}
        case "list":
            items: Iterator[Any] = (
                _decode(shape.member, form, f"{prefix}member.{n}.") for n in count(1)
            )
            return list(takewhile(lambda item: item is not None, items))
        case "boolean" | "integer" | "long" | "float" | "double":
            return json.loads(form[prefix[:-1]])
    return form[prefix[:-1]]


def _to_xml(name: str, shape: Any, value: Any) -> str:
    match shape and shape.type_name:
        case "structure":
            fields = [(key, shape.members[key], item) for key, item in value.items()]
            inner = "".join(_to_xml(*field) for field in fields if field[2] is not None)
        case "list":
            inner = "".join(_to_xml("member", shape.member, item) for item in value)
        case "timestamp" if not isinstance(value, str):
            inner = f"{datetime.fromtimestamp(value, UTC):%Y-%m-%dT%H:%M:%SZ}"
        case "string" | "timestamp":
            inner = escape(value)
        case _:
            inner = json.dumps(value) if shape else ""
    return f"<{name}>{inner}</{name}>"


async def _handle_request(original: Original, *request: Any) -> Any:
    """Answer a Query request by way of the JSON protocol, where MiniStack returns all fields."""
    method, path, headers, body, _ = request
    if "form-urlencoded" not in headers.get("content-type", ""):
        return await original(*request)
    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    operation = _service_model().operation_model(form["Action"])
    fields = json.dumps(_decode(operation.input_shape, form, "") or {}).encode()
    headers = {"content-type": "application/json", "x-amz-target": f"CloudWatch.{operation.name}"}
    status, _, response = await original(method, path, headers, fields, {})
    values = json.loads(response)
    if status != 200:
        return cloudwatch._error(values["__type"], values["message"], status)
    result = _to_xml(f"{operation.name}Result", operation.output_shape, values)
    return cloudwatch._xml(status, f"{operation.name}Response", result)


PATCHES = (
    wrap(cloudwatch, "_error", _error),
    wrap(cloudwatch, "_put_metric_alarm", _put_metric_alarm),
    wrap(cloudwatch, "_put_composite_alarm", _put_composite_alarm),
    wrap(cloudwatch, "handle_request", _handle_request),
)
