"""Receives X-Ray segments by UDP, as the X-Ray daemon does, and draws a trace as a timeline."""

import json
import socketserver
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

Segment = dict[str, Any]

_MAX_SEGMENTS = 4_000  # the oldest are dropped
_WIDTH = 40  # of a timeline, in characters


def _segment(document: Any) -> Segment:
    """Return a valid segment document; raise an error for anything else."""
    if not isinstance(document, dict):
        raise TypeError("a segment is an object")
    name, identity, trace = (str(document[key]) for key in ("name", "id", "trace_id"))
    times = {key: float(document[key]) for key in ("start_time", "end_time")}
    return {**document, **times, "name": name, "id": identity, "trace_id": trace}


class XRayDaemon(socketserver.UDPServer):
    """Keeps the segments that arrive at a free loopback port."""

    max_packet_size = 65_536

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)
        self._lock = threading.Lock()
        self._segments: deque[Segment] = deque(maxlen=_MAX_SEGMENTS)
        host, port = self.socket.getsockname()
        self.address = f"{host}:{port}"

    def finish_request(self, request: Any, _: Any) -> None:
        """Store the segment of a datagram, which is a header line and a JSON document."""
        _, _, document = request[0].partition(b"\n")
        # Any process of this machine can send anything.
        with suppress(KeyError, RecursionError, TypeError, ValueError):
            segment = _segment(json.loads(document))
            with self._lock:
                self._segments.append(segment)

    def trace(self, trace_id: str) -> list[Segment]:
        """Return the segments of a trace by start time."""
        with self._lock:
            found = [s for s in self._segments if s["trace_id"] == trace_id]
        return sorted(found, key=lambda segment: float(segment["start_time"]))


@contextmanager
def running() -> Iterator[XRayDaemon]:
    """Run a daemon within the block."""
    with XRayDaemon() as daemon:
        threading.Thread(target=daemon.serve_forever, args=(0.1,), daemon=True).start()
        try:
            yield daemon
        finally:
            daemon.shutdown()


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
