"""The request log takes every line that a function may print."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from console.request_log import RequestLog

CALL = {"id": "r", "at": 1.0, "ms": 5.0, "method": "GET", "path": "/", "status": 200}


@pytest.mark.parametrize(
    "line",
    (
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"apiRequestId": ["r"]}',
        '{"apiRequestId": "r", "traceId": {}}',
        "null",
        "NaN",
    ),
    ids=range(6),
)
def test_any_line_leaves_the_log_readable(line: str) -> None:
    log = RequestLog()
    own = json.dumps({"apiRequestId": "r", "key": "k"})
    log.add({"kind": "call", **CALL})
    log.add({"kind": "log", "at": 2.0, "function": "f", "lines": [own, line]})
    traces: Any = SimpleNamespace(trace=lambda _: [])
    shown = log.request("r", traces)
    assert shown and shown["call"]["status"] == 200
    assert log.changes_since(0, 0)["requests"]
