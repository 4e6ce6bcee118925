"""How many connections the emulator holds: never so many that it has no descriptors left.

A half of what the process may have is for them. One more takes the place of the one that has been
idle, or silent, since longest; where none is, it is answered 503. One that its client has left is
closed at once, whatever its request still does.
"""

import resource
from typing import Any

from hypercorn.asyncio import run
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.events import Event, Updated

_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)


class _Connection(TCPServer):
    _open: dict["_Connection", None] = {}  # oldest first

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.idle = True

    async def run(self) -> None:
        """Serve the connection until it ends."""
        if len(self._open) >= resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2:
            idle = next((each for each in self._open if each.idle), None)
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
        await super().protocol_send(event)

    async def _read_data(self) -> None:
        await super()._read_data()
        self._open.pop(self, None)
        self.writer.close()


def install() -> None:
    """Take the place of the server's own; before it starts."""
    setattr(run, "TCPServer", _Connection)
