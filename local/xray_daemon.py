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
    """Bindings the segments that arrive at a free loopback port."""

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


def _with_depth(
    segments: list[Segment], parent: str | None = None
) -> Iterator[tuple[int, Segment]]:
    """Return each segment with its depth; Lambda sends subsegments one by one, by parent id."""
    known = {segment["id"] for segment in segments}
    for segment in segments:
        above = segment.get("parent_id") if segment.get("parent_id") in known else None
        if above == parent:
            yield 0, segment
            yield from ((depth + 1, s) for depth, s in _with_depth(segments, segment["id"]))


def timeline(segments: list[Segment]) -> list[str]:
    """Return a line for each segment: name, bar on a common scale, duration in milliseconds."""
    rows = list(_with_depth(segments))
    if not rows:
        return []
    start = min(float(s["start_time"]) for _, s in rows)
    scale = max(max(float(s["end_time"]) for _, s in rows) - start, 1e-6)
    lines = []
    for depth, segment in rows:
        left = int((float(segment["start_time"]) - start) / scale * _WIDTH)
        span = float(segment["end_time"]) - float(segment["start_time"])
        block = (" " * left + "█" * max(1, round(span / scale * _WIDTH)))[:_WIDTH]
        operation = (segment.get("aws") or {}).get("operation", "")
        name = f"{'  ' * depth}{segment['name']} {operation}"
        lines.append(f"{name:<28}{block:<{_WIDTH}} {span * 1000:7.1f} ms")
    return lines
