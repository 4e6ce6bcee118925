"""Serves MiniStack by uvicorn and httptools, which take a fraction of the time of its own server.

Three of eight file descriptors are for connections. A new one replaces the oldest that never sent a
request, or else the oldest idle one. If all are busy, the new one gets a 503. A connection that its
client closed ends at once, even if its request is still running.
"""

import asyncio
import resource
import socket
from contextlib import suppress
from typing import Any

import uvicorn
from ministack import app
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_KEEP_ALIVE_S = 75
_UNAVAILABLE = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)


class _Joined:
    """A transport that sends the head and the body of a response together.

    uvicorn writes them one after the other. Go's HTTP client may close a connection between the
    two, and then repeats a request that had an effect.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._parts: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send data once the running task waits."""
        if not self._parts:
            asyncio.get_running_loop().call_soon(self._flush)
        self._parts.append(data)

    def close(self) -> None:
        """Send all data, then close the connection."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        data, self._parts = b"".join(self._parts), []
        self._transport.write(data)


class _Connection(HttpToolsProtocol):
    _open: dict["_Connection", None] = {}  # oldest first

    @property
    def idle(self) -> bool:
        """True while no request is in progress."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: Any) -> None:
        """Take the place of another connection if there are too many, or refuse this one."""
        joined: Any = _Joined(transport)
        super().connection_made(joined)
        if len(self._open) >= resource.getrlimit(resource.RLIMIT_NOFILE)[0] * 3 // 8:
            idle = [each for each in self._open if each.idle]
            # An unused one first: the local run's health check keeps one of the oldest.
            victim = min(idle, key=lambda each: each.cycle is not None, default=None)
            if not victim:
                transport.write(_UNAVAILABLE)
                transport.close()
                return
            del self._open[victim]
            victim.transport.abort()
        self._open[self] = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._open.pop(self, None)
        super().connection_lost(exc)


def serve(number: int) -> None:
    """Serve on the bound socket with this file descriptor until the process ends."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # some systems have a lower limit than they say
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    listener = socket.socket(fileno=number)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(
        app.app,
        backlog=100,  # asyncio accepts so many at once, before _Connection counts them
        http=_Connection,
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        date_header=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
    )
    uvicorn.Server(config).run([listener])
