"""Adds fields to the log line of the running request or item, and writes metrics of your own."""

import logging
import math
import time
from typing import Any

from function.runtime import telemetry


def add_fields(**fields: Any) -> None:
    """Add fields to the log line and the trace of the running request or item.

    A later value of a field replaces the earlier one, and so does one of the Response. The rules of
    `Response.log_fields` hold.
    """
    if span := telemetry.current_span():
        span.add_fields(fields)


def metric(name: str, value: float, unit: str = "Count", **dimensions: str) -> None:
    """Write a value of a metric in the project's namespace, as a log line that CloudWatch reads.

    It takes no call and no permission. `unit` is one of CloudWatch's, such as Milliseconds or
    Bytes/Second. Each combination of dimensions is a metric of its own. Raises ValueError for a
    value that is not finite, and for a name that the log line has itself.
    """
    if not math.isfinite(value):
        raise ValueError(f"metric {name}: {value} is not a finite number")
    for one in (name, *dimensions):
        if one in telemetry.RESERVED:
            raise ValueError(f"metric {name}: {one!r} is reserved; choose another name")
    directive = {
        "Namespace": telemetry.NAMESPACE,
        "Dimensions": [[*dimensions]],
        "Metrics": [{"Name": name, "Unit": unit}],
    }
    timestamp = time.time_ns() // 1_000_000
    line = {"_aws": {"Timestamp": timestamp, "CloudWatchMetrics": [directive]}, name: value}
    logging.getLogger("function").info("metric", extra={**dimensions, **line})
