"""Adds fields to the log line of the running request or item, and writes metrics of your own."""

import logging
import math
import time
from typing import Any

from function.runtime import telemetry

# CloudWatch's units; it also has rates, such as Bytes/Second.
_UNITS = frozenset(
    {
        *("Seconds", "Microseconds", "Milliseconds", "Bytes", "Kilobytes", "Megabytes"),
        *("Gigabytes", "Terabytes", "Bits", "Kilobits", "Megabits", "Gigabits", "Terabits"),
        *("Percent", "Count", "None"),
    }
)
_MAX_DIMENSIONS, _MAX_NAME = 30, 1_024


def add_fields(**fields: Any) -> None:
    """Add fields to the log line and the trace of the running request or item.

    A later value of a field replaces the earlier one, and so does one of the Response. The rules of
    `Response.log_fields` hold.
    """
    if span := telemetry.current_span():
        span.add_fields(fields)


def metric(name: str, value: float, unit: str = "Count", **dimensions: str) -> None:
    """Write a value of a metric in the project's namespace, as a log line that CloudWatch reads.

    It takes no call and no permission. Each combination of dimensions is a metric of its own.
    Raises ValueError for a value, a unit or a name that CloudWatch would drop.
    """
    names = (name, *dimensions)
    if not math.isfinite(value):
        raise ValueError(f"metric {name}: {value} is not a finite number")
    if unit.removesuffix("/Second") not in _UNITS - {"None"} and unit != "None":
        raise ValueError(f"metric {name}: unknown unit {unit!r}; use one of {sorted(_UNITS)}")
    if len(dimensions) > _MAX_DIMENSIONS:
        raise ValueError(f"metric {name}: {len(dimensions)} dimensions exceed {_MAX_DIMENSIONS}")
    for one in names:
        if not 0 < len(one) <= _MAX_NAME or names.count(one) > 1 or one in telemetry.RESERVED:
            raise ValueError(f"metric {name}: {one!r} is empty, too long, reserved or used twice")
    for one, text in dimensions.items():
        if not text:
            raise ValueError(f"metric {name}: dimension {one} has no value")
    directive = {
        "Namespace": telemetry.NAMESPACE,
        "Dimensions": [[*dimensions]],
        "Metrics": [{"Name": name, "Unit": unit}],
    }
    timestamp = time.time_ns() // 1_000_000
    line = {"_aws": {"Timestamp": timestamp, "CloudWatchMetrics": [directive]}, name: value}
    logging.getLogger("function").info("metric", extra={**dimensions, **line})
