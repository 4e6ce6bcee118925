"""Logs, metrics and traces.

The one module that knows aws-xray-sdk: another tracer is a change to it.

Nothing here can fail a request: what goes wrong while observing one is dropped.
"""

import json
import logging
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from typing import Any

NAMESPACE = "Epoch"

_logger = logging.getLogger("function")
_logger.setLevel(logging.INFO)


class _JsonLines(logging.Formatter):
    """What Lambda's JSON logging writes, for processes that Lambda did not start."""

    _STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message"}

    def format(self, record: logging.LogRecord) -> str:
        extra = {k: v for k, v in vars(record).items() if k not in self._STANDARD}
        line = {"level": record.levelname, "message": record.getMessage(), **extra}
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
    from aws_xray_sdk.core import xray_recorder  # pylint: disable=import-outside-toplevel

    return xray_recorder


def _trace_id() -> str:
    return os.environ.get("_X_AMZN_TRACE_ID", "").partition(";")[0].removeprefix("Root=")


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
                for key, value in {"outcome": span.outcome, **span.notes}.items():
                    subsegment.put_annotation(key, value)
        _end(subsegment)


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
    """Return the request's metrics in CloudWatch's embedded metric format."""
    by_route = ["FunctionName", "Route"]
    values = {"Replays": int(bool(span.notes.get("replayed"))), "ColdStarts": int(cold)}
    units = [{"Name": name, "Unit": "Count"} for name in values]
    if span.storage_ms:
        values["StorageLatency"] = round(span.storage_ms, 3)  # type: ignore[assignment]
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
        "FunctionName": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", ""),
        "Route": span.route,
        "Outcome": span.outcome,
        "Requests": 1,
        **values,
    }


def log_request(span: Span, fields: Mapping[str, Any]) -> None:
    """Write the request's one log line, which carries its metrics too."""
    with suppress(Exception):
        cold = next(_starts(), False)
        line = {
            "route": span.route,
            "status": span.status,
            "outcome": span.outcome,
            "coldStart": cold,
            "version": os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", ""),
            "traceId": _trace_id(),
            **fields,
            **span.notes,
            **_metrics(span, cold),
        }
        _logger.info("request", extra=line)


def log_failure(error: Exception) -> None:
    """Write what an endpoint did not expect; the client is told nothing of it."""
    with suppress(Exception):
        _logger.error("unexpected", exc_info=error, extra={"traceId": _trace_id()})
