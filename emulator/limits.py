"""What the emulator holds is bounded: connections by its descriptors, and the past by number.

- A half of the descriptors that the process may have are for connections. One more takes the place
  of the oldest that never asked anything, or else of the oldest that asks nothing now; where none
  is, it is answered 503. One that its client has left is closed at once, whatever its request
  still does.
- Of a log group the newest invocations are kept, of a metric the newest values, of a table the
  newest changes: a job that follows them may be that far behind.
"""

import resource
from collections.abc import Callable
from functools import partial
from typing import Any

from hypercorn.asyncio import run
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.events import Event, Updated
from ministack.services import cloudwatch, cloudwatch_logs, dynamodb, lambda_svc

# Each invocation writes a log stream of its own.
INVOCATIONS = 2_000
VALUES = 2_000
CHANGES = 5_000

_FULL = (
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
        if len(self._open) >= resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2:
            silent = [each for each in self._open if each.idle]
            # The local run itself asks three times a second, and its connection is of the oldest.
            idle = min(silent, key=lambda each: each.used, default=None)
            if not idle:
                self.writer.write(_FULL)
                await self._close()
                return
            del self._open[idle]
            idle.writer.transport.abort()
        self._open[self] = None
        try:
            await super().run()
        finally:
            self._open.pop(self, None)

    async def protocol_send(self, event: Event) -> None:
        """Send, and note whether a request is under way."""
        if isinstance(event, Updated):
            self.idle = event.idle
            self.used |= not event.idle
        await super().protocol_send(event)

    async def _read_data(self) -> None:
        await super()._read_data()
        self._open.pop(self, None)
        self.writer.close()


# pylint: disable=protected-access
def _log(log: Callable[..., None], function: dict[str, Any], *about: Any, **more: Any) -> None:
    log(function, *about, **more)
    config = function.get("config") or function
    group = (config.get("LoggingConfig") or {}).get("LogGroup", "")
    streams = cloudwatch_logs._log_groups.get(group, {}).get("streams", {})
    for name in list(streams)[: max(0, len(streams) - INVOCATIONS)]:
        streams.pop(name, None)


def _bucket(find: Callable[[Any], list[Any]], key: Any) -> list[Any]:
    values = find(key)
    if len(values) > 2 * VALUES:
        del values[:-VALUES]
    return values


def _trim(trim: Callable[..., None], table: str, **scope: Any) -> None:
    """Let the oldest changes pass for those that a stream no longer keeps, which it counts."""
    changes = dynamodb._live_stream_records(table, **scope)
    for change in changes[: max(0, len(changes) - CHANGES)]:
        change["dynamodb"]["ApproximateCreationDateTime"] = 1
    trim(table, **scope)


def install() -> None:
    """Stand before the server's and MiniStack's own; before it starts."""
    setattr(run, "TCPServer", _Connection)
    lambda_svc._emit_lambda_logs = partial(_log, lambda_svc._emit_lambda_logs)
    cloudwatch._metric_bucket = partial(_bucket, cloudwatch._metric_bucket)
    dynamodb._trim_stream_records = partial(_trim, dynamodb._trim_stream_records)
