"""Bounds function instances by file descriptors, and history by number.

- Function instances take at most three of eight; the rest is for connections, see `server`, and for
  instances that start or end.
  Further invocations are throttled, as at the concurrency limit of an AWS account.
- The emulator keeps the newest invocations of a log group, values of a metric and records of a
  table's stream. A stream consumer may fall that far behind.
"""

import resource
from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import Any

from ministack.services import cloudwatch, cloudwatch_logs, dynamodb, lambda_svc

from emulator.patching import Patch, wrap

# Each has three pipes.
_MAX_INSTANCES = min(100, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 8)
_MAX_INVOCATIONS = 2_000  # each has a log stream
_MAX_VALUES = 2_000
_MAX_STREAM_RECORDS = 5_000


def _emit_logs(
    original: Callable[..., None], function: dict[str, Any], *args: Any, **options: Any
) -> None:
    original(function, *args, **options)
    config = function.get("config") or function
    group = (config.get("LoggingConfig") or {}).get("LogGroup", "")
    streams = cloudwatch_logs._log_groups.get(group, {}).get("streams", {})
    for name in tuple(islice(streams, max(0, len(streams) - _MAX_INVOCATIONS))):
        streams.pop(name, None)


def _metric_bucket(original: Callable[[Any], list[Any]], key: Any) -> list[Any]:
    values = original(key)
    if len(values) > 2 * _MAX_VALUES:
        del values[:-_MAX_VALUES]
    return values


def _trim_stream(original: Callable[..., None], table: str, **scope: Any) -> None:
    """Make the oldest records look expired: MiniStack trims those and counts them."""
    records = dynamodb._live_stream_records(table, **scope)
    for record in records[: max(0, len(records) - _MAX_STREAM_RECORDS)]:
        record["dynamodb"]["ApproximateCreationDateTime"] = 1
    original(table, **scope)


PATCHES = (
    # MiniStack bounds them by memory.
    Patch(lambda_svc, "_ACCOUNT_CONCURRENCY_CAP", partial(min, _MAX_INSTANCES)),
    wrap(lambda_svc, "_emit_lambda_logs", _emit_logs),
    wrap(cloudwatch, "_metric_bucket", _metric_bucket),
    wrap(dynamodb, "_trim_stream_records", _trim_stream),
)
