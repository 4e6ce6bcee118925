"""Receives X-Ray segments by UDP, as the X-Ray daemon does, and draws a trace as a timeline."""

import json
import socketserver
from collections import deque
from contextlib import suppress
from typing import Any

Segment = dict[str, Any]

_MAX_SEGMENTS = 4_000  # the oldest are dropped
_WIDTH = 40  # of a timeline, in characters


class XRayDaemon(socketserver.UDPServer):
    """Keeps the segments that arrive at a free loopback port."""

    max_packet_size = 65_536

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)
        self._segments: deque[Segment] = deque(maxlen=_MAX_SEGMENTS)
        host, port = self.socket.getsockname()
        self.address = f"{host}:{port}"

    def finish_request(self, request: Any, _: Any) -> None:
        """Store the segment of a datagram, which is a header line and a JSON document."""
        _, _, document = request[0].partition(b"\n")
        # Any process of this machine can send anything.
        with suppress(KeyError, RecursionError, TypeError, ValueError):
            segment = json.loads(document)
            segment |= {key: float(segment[key]) for key in ("start_time", "end_time")}
            self._segments.append(segment)

    def trace(self, trace_id: str) -> list[Segment]:
        """Return the segments of a trace by start time."""
        received = tuple(self._segments)  # another thread appends to it
        found = [segment for segment in received if segment.get("trace_id") == trace_id]
        return sorted(found, key=lambda segment: float(segment["start_time"]))


def timeline(segments: list[Segment]) -> list[str]:
    """Return a line for each segment: name, bar on a common scale, duration in milliseconds."""
    start = min((segment["start_time"] for segment in segments), default=0)
    end = max((segment["end_time"] for segment in segments), default=0)
    scale = max(end - start, 1e-6)
    lines = []
    for segment in segments:
        left = int((segment["start_time"] - start) / scale * _WIDTH)
        span = segment["end_time"] - segment["start_time"]
        block = (" " * left + "█" * max(1, round(span / scale * _WIDTH)))[:_WIDTH]
        name = f"{segment['name']} {(segment.get('aws') or {}).get('operation', '')}"
        lines.append(f"{name:<28}{block:<{_WIDTH}} {span * 1000:7.1f} ms")
    return lines
