"""Records the metrics that AWS derives from API calls and log lines; MiniStack records none."""

import itertools
import json
import math
from contextlib import suppress
from typing import Any

from ministack.services import cloudwatch
from ministack.services.cloudwatch import record_metric

from emulator.patching import Original, wrap

_OTHER_FORMAT = (AttributeError, LookupError, RecursionError, TypeError, ValueError)


def record_api_call(api: str, stage: str, call: dict[str, Any]) -> None:
    """Record a call for its stage and, if its resource is known, for its method."""
    dimensions = [{"ApiName": api, "Stage": stage}]
    if resource := call.get("resource"):
        dimensions.append({**dimensions[0], "Resource": resource, "Method": call["method"]})
    status = call["status"]
    values = (
        ("Count", 1, "Count"),
        ("4XXError", int(400 <= status < 500), "Count"),
        ("5XXError", int(status >= 500), "Count"),
        ("Latency", call["ms"], "Milliseconds"),
        *([] if call.get("refused") else [("IntegrationLatency", call["ms"], "Milliseconds")]),
    )
    for each in dimensions:
        for name, value, unit in values:
            record_metric("AWS/ApiGateway", name, value, unit, each)


def record_dynamodb_call(request: dict[str, Any], operation: str, ms: float) -> None:
    """Record the latency of a successful DynamoDB call."""
    if table := request.get("TableName"):
        dimensions = {"TableName": table, "Operation": operation}
        record_metric("AWS/DynamoDB", "SuccessfulRequestLatency", ms, "Milliseconds", dimensions)


def record_invocation(function: str, error: bool, ms: float) -> None:
    """Record an invocation of a function."""
    dimensions = {"FunctionName": function}
    record_metric("AWS/Lambda", "Invocations", 1, "Count", dimensions)
    record_metric("AWS/Lambda", "Errors", int(error), "Count", dimensions)
    record_metric("AWS/Lambda", "Duration", ms, "Milliseconds", dimensions)


def record_throttle(function: str) -> None:
    """Record a throttled invocation."""
    record_metric("AWS/Lambda", "Throttles", 1, "Count", {"FunctionName": function})


def record_log_lines(lines: list[str]) -> None:
    """Record the metrics of log lines in CloudWatch's embedded metric format.

    A function may print anything: other lines have no effect.
    """
    for text in lines:
        with suppress(*_OTHER_FORMAT):
            line = json.loads(text)
            for directive in line["_aws"]["CloudWatchMetrics"]:
                _record_directive(line, directive)


def _record_directive(line: Any, directive: Any) -> None:
    for names, metric in itertools.product(directive["Dimensions"], directive["Metrics"]):
        name, unit = metric["Name"], metric.get("Unit", "None")
        if math.isfinite(value := float(line[name])):
            dimensions = {dimension: str(line[dimension]) for dimension in names}
            namespace = str(directive["Namespace"])
            record_metric(namespace, str(name), value, str(unit), dimensions)


def _describe_alarms(original: Original, *request: Any) -> Any:
    """Evaluate all alarms first, so that their states match the metrics."""
    cloudwatch._evaluate_all_alarms()
    return original(*request)


PATCHES = (wrap(cloudwatch, "_describe_alarms", _describe_alarms),)
