"""Receives what aws-xray-sdk sends by UDP, and draws a trace as a timeline."""

import json
import secrets
import socket
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

Segment = dict[str, Any]

_KEPT = 4_000  # segments; of a long run the newest
_WIDTH = 40  # of a timeline, in characters


def _segment(document: Any) -> Segment:
    """Return a segment document; raises an error for anything else."""
    if not isinstance(document, dict):
        raise TypeError("a segment is an object")
    name, identity, trace = (str(document[key]) for key in ("name", "id", "trace_id"))
    times = {key: float(document[key]) for key in ("start_time", "end_time")}
    return {**document, **times, "name": name, "id": identity, "trace_id": trace}


class Collector:
    """The segments received so far, by trace id."""

    def __init__(self, receiver: socket.socket) -> None:
        self._receiver = receiver
        self._lock = threading.Lock()
        self._segments: deque[Segment] = deque(maxlen=_KEPT)
        self._last = secrets.token_bytes(16)
        host, port = receiver.getsockname()
        self.address = f"{host}:{port}"

    def listen(self) -> None:
        """Receive until `end`; a datagram is a header line and a JSON document."""
        while (datagram := self._receiver.recv(65536)) != self._last:
            _, _, document = datagram.partition(b"\n")
            with suppress(KeyError, RecursionError, TypeError, ValueError):  # anybody can send
                segment = _segment(json.loads(document))
                with self._lock:
                    self._segments.append(segment)

    def end(self) -> None:
        """Let `listen` return."""
        self._receiver.sendto(self._last, self._receiver.getsockname())

    def trace(self, trace_id: str) -> list[Segment]:
        """Return the segments of a trace, in the order in which they started."""
        with self._lock:
            found = [s for s in self._segments if s.get("trace_id") == trace_id]
        return sorted(found, key=lambda segment: float(segment["start_time"]))


@contextmanager
def collecting() -> Iterator[Collector]:
    """Listen on a free loopback port for as long as the block runs."""
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    collector = Collector(receiver)
    thread = threading.Thread(target=collector.listen, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        collector.end()
        thread.join()
        receiver.close()


def _flat(segments: list[Segment], parent: str | None = None) -> Iterator[tuple[int, Segment]]:
    """Return each segment with its depth; Lambda sends subsegments one by one, by parent id."""
    known = {segment["id"] for segment in segments}
    for segment in segments:
        above = segment.get("parent_id") if segment.get("parent_id") in known else None
        if above == parent:
            yield 0, segment
            yield from ((depth + 1, below) for depth, below in _flat(segments, segment["id"]))


def timeline(segments: list[Segment]) -> list[str]:
    """Return one line per segment: name, block on a common scale, duration in milliseconds."""
    rows = list(_flat(segments))
    if not rows:
        return []
    start = min(float(s["start_time"]) for _, s in rows)
    scale = max(max(float(s["end_time"]) for _, s in rows) - start, 1e-6)
    lines = []
    for depth, segment in rows:
        left = int((float(segment["start_time"]) - start) / scale * _WIDTH)
        span = float(segment["end_time"]) - float(segment["start_time"])
        block = " " * left + "█" * max(1, round(span / scale * _WIDTH))
        name = "  " * depth + segment["name"]
        detail = (segment.get("aws") or {}).get("operation", "")
        lines.append(
            f"{name} {detail}".ljust(28) + f"{block[:_WIDTH]:<{_WIDTH}} {span * 1000:7.1f} ms"
        )
    return lines
