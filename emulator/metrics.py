"""The metrics that AWS makes of calls and log lines, and MiniStack does not."""

import json
from contextlib import suppress
from typing import Any

from ministack.services import cloudwatch

_record = cloudwatch.record_metric


def of_call(api: str, stage: str, call: dict[str, Any]) -> None:
    """Record a call of an API: of its stage and, where the path is known, of its method."""
    places = [{"ApiName": api, "Stage": stage}]
    if resource := call.get("resource"):
        places.append({**places[0], "Resource": resource, "Method": call["method"]})
    status = call["status"]
    values = (
        ("Count", 1, "Count"),
        ("4XXError", int(400 <= status < 500), "Count"),
        ("5XXError", int(status >= 500), "Count"),
        ("Latency", call["ms"], "Milliseconds"),
        *([] if call.get("refused") else [("IntegrationLatency", call["ms"], "Milliseconds")]),
    )
    for place in places:
        for name, value, unit in values:
            _record("AWS/ApiGateway", name, value, unit, place)


def of_storage(request: dict[str, Any], operation: str, ms: float) -> None:
    """Record a call of DynamoDB that succeeded."""
    if table := request.get("TableName"):
        place = {"TableName": table, "Operation": operation}
        _record("AWS/DynamoDB", "SuccessfulRequestLatency", ms, "Milliseconds", place)


def of_invocation(function: str, error: bool, ms: float) -> None:
    """Record an invocation of a function."""
    place = {"FunctionName": function}
    _record("AWS/Lambda", "Invocations", 1, "Count", place)
    _record("AWS/Lambda", "Errors", int(error), "Count", place)
    _record("AWS/Lambda", "Duration", ms, "Milliseconds", place)


def of_throttle(function: str) -> None:
    """Record an invocation that was refused."""
    _record("AWS/Lambda", "Throttles", 1, "Count", {"FunctionName": function})


def of_lines(lines: list[str]) -> None:
    """Record what log lines carry in CloudWatch's embedded metric format."""
    for text in lines:
        with suppress(ValueError, KeyError, TypeError):  # no such line
            line = json.loads(text)
            for directive in line["_aws"]["CloudWatchMetrics"]:
                for names in directive["Dimensions"]:
                    place = {name: line[name] for name in names}
                    for metric in directive["Metrics"]:
                        name, unit = metric["Name"], metric.get("Unit", "None")
                        _record(directive["Namespace"], name, line[name], unit, place)


def install() -> None:
    """Let alarms be as the metrics are when they are asked for."""
    describe = cloudwatch._describe_alarms  # pylint: disable=protected-access

    def described(*request: Any) -> Any:
        cloudwatch._evaluate_all_alarms()  # pylint: disable=protected-access
        return describe(*request)

    cloudwatch._describe_alarms = described  # pylint: disable=protected-access
