"""Logs, metrics and traces.

The one module that knows aws-xray-sdk: another tracer is a change to it.

Nothing here can fail a request: what goes wrong while observing one is dropped.
"""

import json
import logging
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from types import ModuleType
from typing import Any

NAMESPACE = "Epoch"

# What logging itself has on a record, and refuses as `extra`.
_RESERVED = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}

_logger = logging.getLogger("function")
_logger.setLevel(logging.INFO)


class _JsonLines(logging.Formatter):
    """What Lambda's JSON logging writes, for processes that Lambda did not start."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {"level": record.levelname, "message": record.getMessage()}
        if record.exc_info and record.exc_info[0]:
            line["errorType"] = record.exc_info[0].__name__
            line["errorMessage"] = str(record.exc_info[1])
            line["stackTrace"] = self.formatException(record.exc_info).splitlines()
        line |= {k: v for k, v in vars(record).items() if k not in _RESERVED}
        return json.dumps(line, default=str)


if "AWS_LAMBDA_LOG_FORMAT" not in os.environ:
    _handler = logging.StreamHandler(sys.stderr)
    _handler.setFormatter(_JsonLines())
    _logger.addHandler(_handler)
    _logger.propagate = False


class Span:
    """What is measured of one request."""

    def __init__(self, route: str) -> None:
        self.route = route
        self.status = 0
        self.notes: dict[str, str | bool] = {}
        self.storage_ms = 0.0

    def close(self, status: int, notes: Mapping[str, str | bool]) -> None:
        """Take the answer's status and notes."""
        self.status = status
        with suppress(Exception):
            self.notes = dict(notes)

    @property
    def outcome(self) -> str:
        """`success`, `rejected` (the caller's fault), `unavailable` or `failed`."""
        if self.status < 400:
            return "success"
        if self.status < 500:
            return "rejected"
        return "unavailable" if self.status == 503 else "failed"


_span: ContextVar[Span | None] = ContextVar("span", default=None)


@cache
def _recorder() -> Any:
    """Return the SDK's recorder, without its decorators and patches.

    Only those need wrapt, which loads asyncio: two thirds of what the SDK costs a cold start.
    """
    stand_in = ModuleType("wrapt")
    vars(stand_in)["decorator"] = lambda _: lambda wrapped: wrapped
    known = sys.modules.setdefault("wrapt", stand_in)
    try:
        from aws_xray_sdk.core import xray_recorder  # pylint: disable=import-outside-toplevel
    finally:
        if known is stand_in:
            del sys.modules["wrapt"]
    return xray_recorder


def warm() -> None:
    """Load the tracer. Called while the process starts, when Lambda lends a full CPU."""
    with suppress(Exception):
        _recorder()


def _trace_id() -> str:
    found = re.search(r"Root=([0-9a-f-]+)", os.environ.get("_X_AMZN_TRACE_ID", ""))
    return found[1] if found else ""


def _begin(name: str, namespace: str = "local") -> Any:
    if "_X_AMZN_TRACE_ID" in os.environ:
        with suppress(Exception):
            return _recorder().begin_subsegment(name, namespace)
    return None


def _end(subsegment: Any) -> None:
    if subsegment:
        with suppress(Exception):
            _recorder().end_subsegment()


@contextmanager
def trace(route: str) -> Iterator[Span]:
    """Measure a request, as a subsegment with outcome and notes as annotations."""
    span = Span(route)
    token = _span.set(span)
    subsegment = _begin(route)
    try:
        yield span
    finally:
        _span.reset(token)
        if subsegment:
            with suppress(Exception):
                for key, value in {**span.notes, "outcome": span.outcome}.items():
                    subsegment.put_annotation(key, value)
                if span.status >= 500:
                    subsegment.add_fault_flag()
                elif span.status >= 400:
                    subsegment.add_error_flag()
            _end(subsegment)
            # What a failure left open would be the parent of the next request that has the same
            # trace id, and a client may choose that.
            with suppress(Exception):
                _recorder().clear_trace_entities()


@contextmanager
def aws_call(service: str, **details: str) -> Iterator[None]:
    """Measure a call to an AWS service, as a subsegment with its operation and resource."""
    started = time.perf_counter()
    subsegment = _begin(service, "aws")
    if subsegment:
        with suppress(Exception):
            subsegment.set_aws(details)
    try:
        yield
    finally:
        if span := _span.get():
            span.storage_ms += (time.perf_counter() - started) * 1000
        _end(subsegment)


@cache
def _starts() -> Iterator[bool]:
    """Return an iterator that is true once in a process: for its first request."""
    return iter((True,))


def _metrics(span: Span, cold: bool) -> dict[str, Any]:
    """Return the request's metrics in CloudWatch's embedded metric format.

    CloudWatch Logs finds `_aws` at the top level of any JSON line; Lambda's JSON logging puts
    `extra` there as it is.
    """
    by_route = ["FunctionName", "Route"]
    values: dict[str, float] = {
        "Replays": int(bool(span.notes.get("replayed"))),
        "ColdStarts": int(cold),
    }
    units = [{"Name": name, "Unit": "Count"} for name in values]
    if span.storage_ms:
        values["StorageLatency"] = round(span.storage_ms, 3)
        units.append({"Name": "StorageLatency", "Unit": "Milliseconds"})
    directives = [
        {
            "Namespace": NAMESPACE,
            "Dimensions": [[*by_route, "Outcome"]],
            "Metrics": [{"Name": "Requests", "Unit": "Count"}],
        },
        {"Namespace": NAMESPACE, "Dimensions": [by_route], "Metrics": units},
    ]
    return {
        "_aws": {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": directives},
        # A dimension is never empty.
        "FunctionName": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "local"),
        "Route": span.route,
        "Outcome": span.outcome,
        "Requests": 1,
        **values,
    }


def log_request(span: Span, fields: Mapping[str, Any]) -> None:
    """Write the request's one log line, which carries its metrics too.

    A note never takes the place of a field, and one that is named as logging names its own is
    left out.
    """
    with suppress(Exception):
        cold = next(_starts(), False)
        line = {
            **{name: value for name, value in span.notes.items() if name not in _RESERVED},
            "route": span.route,
            "status": span.status,
            "outcome": span.outcome,
            "coldStart": cold,
            "version": os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", ""),
            "traceId": _trace_id(),
            **fields,
            **_metrics(span, cold),
        }
        _logger.info("request", extra=line)


def log_failure(error: Exception) -> None:
    """Write what an endpoint did not expect; the client is told nothing of it."""
    with suppress(Exception):
        span = _span.get()
        route = span.route if span else ""
        _logger.error("unexpected", exc_info=error, extra={"traceId": _trace_id(), "route": route})
