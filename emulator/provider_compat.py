"""What the AWS provider asks of API Gateway and CloudWatch, answered as AWS does."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from itertools import count, takewhile
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from ministack.services import apigateway_v1, cloudwatch

# What MiniStack does not keep of an alarm.
_METRIC_MATH = ("Metrics", "ThresholdMetricId", "EvaluateLowSampleCountPercentile")
_SUPPRESSOR = (
    "ActionsSuppressor",
    "ActionsSuppressorWaitPeriod",
    "ActionsSuppressorExtensionPeriod",
)
# What it makes up, of which an alarm on metric math, or on a percentile, has none.
_OF_ONE_METRIC = ("MetricName", "Namespace", "Statistic", "Period", "Unit")

# pylint: disable=protected-access
_create_key = apigateway_v1._create_api_key
_update_key = apigateway_v1._update_api_key
_take = apigateway_v1._take_token
_refusal = cloudwatch._error
_put_metric = cloudwatch._put_metric_alarm
_put_composite = cloudwatch._put_composite_alarm
_handle = cloudwatch.handle_request


def _create_api_key(data: dict[str, Any]) -> Any:
    """Make a key; an empty value is none, and AWS makes one up."""
    return _create_key({name: value for name, value in data.items() if name != "value" or value})


def _update_api_key(identity: str, data: dict[str, Any]) -> Any:
    """Change a key; of a patch's values, which are text, "false" would count as true."""
    patches = [
        {**patch, "value": patch["value"] == "true"} if patch["path"] == "/enabled" else patch
        for patch in data.get("patchOperations", [])
    ]
    return _update_key(identity, {**data, "patchOperations": patches})


def _take_token(slot: Any, limits: dict[str, Any]) -> bool:
    """Return whether a call is within its limits, of which -1 is none."""
    known = {name: limit for name, limit in limits.items() if limit is None or float(limit) >= 0}
    return bool(_take(slot, known))


def _error(code: str, message: str, *rest: Any, **options: Any) -> Any:
    if code == "ResourceNotFound" and message.startswith("Dashboard "):
        code = "DashboardNotFoundError"
    return _refusal(code, message, *rest, **options)


def _put_metric_alarm(params: Any, sent: dict[str, Any], *rest: Any) -> Any:
    reply = _put_metric(params, sent, *rest)
    if reply[0] == 200:
        alarm = cloudwatch._alarms[sent["AlarmName"]]
        alarm.update({name: sent[name] for name in _METRIC_MATH if name in sent})
        made_up = _OF_ONE_METRIC if "Metrics" in sent else ("Statistic",)
        for name in made_up:
            if name not in sent:
                del alarm[name]
    return reply


def _put_composite_alarm(params: Any, sent: dict[str, Any], *rest: Any) -> Any:
    reply = _put_composite(params, sent, *rest)
    if reply[0] == 200:
        alarm = cloudwatch._composite_alarms[sent["AlarmName"]]
        alarm.update({name: sent[name] for name in _SUPPRESSOR if name in sent})
    return reply


@cache
def _model() -> Any:
    from botocore import session  # pylint: disable=import-outside-toplevel

    return session.get_session().get_service_model("cloudwatch")


def _sent(shape: Any, form: dict[str, str], at: str) -> Any:
    """Return what a form says of a shape at a place, such as `Tags.member.1.`; None where nothing
    is said."""
    if not any(f"{name}.".startswith(at) for name in form):
        return None
    match shape.type_name:
        case "structure":
            values = {name: _sent(of, form, f"{at}{name}.") for name, of in shape.members.items()}
            return {name: value for name, value in values.items() if value is not None}
        case "list":
            items: Iterator[Any] = (_sent(shape.member, form, f"{at}member.{n}.") for n in count(1))
            return list(takewhile(lambda item: item is not None, items))
        case "boolean" | "integer" | "long" | "float" | "double":
            return json.loads(form[at[:-1]])
    return form[at[:-1]]


def _told(name: str, shape: Any, value: Any) -> str:
    """Return a value of a shape as XML."""
    match shape and shape.type_name:
        case "structure":
            said = [(key, shape.members[key], item) for key, item in value.items()]
            inner = "".join(_told(*one) for one in said if one[2] is not None)
        case "list":
            inner = "".join(_told("member", shape.member, item) for item in value)
        case "timestamp" if not isinstance(value, str):
            inner = f"{datetime.fromtimestamp(value, UTC):%Y-%m-%dT%H:%M:%SZ}"
        case "string" | "timestamp":
            inner = escape(value)
        case _:
            inner = json.dumps(value) if shape else ""
    return f"<{name}>{inner}</{name}>"


async def _handle_request(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
    """Answer Query, CloudWatch's old protocol, in which MiniStack leaves most fields out: as JSON,
    written as XML."""
    if "form-urlencoded" not in headers.get("content-type", ""):
        return await _handle(method, path, headers, body, query)
    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    operation = _model().operation_model(form["Action"])
    sent = _sent(operation.input_shape, form, "") or {}
    headers = {"content-type": "application/json", "x-amz-target": f"CloudWatch.{operation.name}"}
    status, _, answer = await _handle(method, path, headers, json.dumps(sent).encode(), {})
    told = json.loads(answer)
    if status != 200:
        return _refusal(told["__type"], told["message"], status)
    result = _told(f"{operation.name}Result", operation.output_shape, told)
    return cloudwatch._xml(status, f"{operation.name}Response", result)


def install() -> None:
    """Put these in the place of MiniStack's."""
    apigateway_v1._create_api_key = _create_api_key
    apigateway_v1._update_api_key = _update_api_key
    apigateway_v1._take_token = _take_token
    cloudwatch._error = _error
    cloudwatch._put_metric_alarm = _put_metric_alarm
    cloudwatch._put_composite_alarm = _put_composite_alarm
    cloudwatch.handle_request = _handle_request
