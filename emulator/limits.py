"""Bounds connections and function instances by file descriptors, and history by number.

- Three of eight file descriptors are for connections. A new one replaces the oldest that never sent a
  request, or else the oldest idle one. If all are busy, the new one gets a 503. A connection that
  its client closed ends at once, even if its request is still running.
- Function instances take at most another three of eight; the rest is for those that start or end.
  Further invocations are throttled, as at the concurrency limit of an AWS account.
- The emulator keeps the newest invocations of a log group, values of a metric and records of a
  table's stream. A stream consumer may fall that far behind.
"""

import resource
from collections.abc import Callable
from functools import partial
from typing import Any

from hypercorn.asyncio import run
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.events import Event, Updated
from ministack.services import cloudwatch, cloudwatch_logs, dynamodb, lambda_svc

from emulator.patching import Patch, replace, wrap

# Each has three pipes.
_MAX_INSTANCES = min(100, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 8)
_MAX_INVOCATIONS = 2_000  # each has a log stream
_MAX_VALUES = 2_000
_MAX_STREAM_RECORDS = 5_000

_UNAVAILABLE = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)


class _Connection(TCPServer):
    _open: dict["_Connection", None] = {}  # oldest first

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.idle, self.used = True, False

    async def run(self) -> None:
        """Serve the connection until it ends."""
        if len(self._open) >= resource.getrlimit(resource.RLIMIT_NOFILE)[0] * 3 // 8:
            idle = [each for each in self._open if each.idle]
            # An unused one first: the local run's health check keeps one of the oldest.
            victim = min(idle, key=lambda each: each.used, default=None)
            if not victim:
                self.writer.write(_UNAVAILABLE)
                await self._close()
                return
            del self._open[victim]
            victim.writer.transport.abort()
        self._open[self] = None
        try:
            await super().run()
        finally:
            self._open.pop(self, None)

    async def protocol_send(self, event: Event) -> None:
        """Send, and record whether a request is in progress."""
        if isinstance(event, Updated):
            self.idle = event.idle
            self.used |= not event.idle
        await super().protocol_send(event)

    async def _read_data(self) -> None:
        await super()._read_data()
        self._open.pop(self, None)
        self.writer.close()


def _emit_logs(
    original: Callable[..., None], function: dict[str, Any], *args: Any, **options: Any
) -> None:
    original(function, *args, **options)
    config = function.get("config") or function
    group = (config.get("LoggingConfig") or {}).get("LogGroup", "")
    streams = cloudwatch_logs._log_groups.get(group, {}).get("streams", {})
    for name in list(streams)[: max(0, len(streams) - _MAX_INVOCATIONS)]:
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
    replace(run, "TCPServer", _Connection),
    # MiniStack bounds them by memory.
    Patch(lambda_svc, "_ACCOUNT_CONCURRENCY_CAP", partial(min, _MAX_INSTANCES)),
    wrap(lambda_svc, "_emit_lambda_logs", _emit_logs),
    wrap(cloudwatch, "_metric_bucket", _metric_bucket),
    wrap(dynamodb, "_trim_stream_records", _trim_stream),
)
