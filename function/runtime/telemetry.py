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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

# CloudWatch's namespace of the metrics: the project's name.
NAMESPACE = os.environ.get("METRIC_NAMESPACE", "local")

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
        self.log_fields: dict[str, str | bool] = {}
        self.aws_ms = 0.0
        self.subsegment: Any = None

    def set_result(self, status: int, log_fields: Mapping[str, str | bool]) -> None:
        """Set the response's status and log fields."""
        self.status = status
        with suppress(Exception):
            self.log_fields = dict(log_fields)

    @property
    def outcome(self) -> str:
        """`success`, `rejected` (the caller's fault), `unavailable` or `failed`."""
        if self.status < 400:
            return "success"
        if self.status < 500:
            return "rejected"
        return "unavailable" if self.status == 503 else "failed"


_span: ContextVar[Span | None] = ContextVar("span", default=None)


class _Sdk(NamedTuple):
    """What of aws-xray-sdk makes subsegments and sends them.

    Its recorder finds out for each step what the current entity is, which costs more than the
    subsegments; here a request's own is at hand.
    """

    emitter: Any
    enabled: Callable[[], bool]
    header: Callable[[str], Any]
    segment: Callable[..., Any]
    subsegment: Callable[..., Any]


@cache
def _sdk() -> _Sdk:
    """Return the tracer, without its decorators and patches.

    Only those need wrapt, which loads asyncio: two thirds of what the SDK costs a cold start.
    """
    stand_in = ModuleType("wrapt")
    vars(stand_in)["decorator"] = lambda _: lambda wrapped: wrapped
    known = sys.modules.setdefault("wrapt", stand_in)
    try:
        # pylint: disable=import-outside-toplevel
        from aws_xray_sdk import global_sdk_config
        from aws_xray_sdk.core import xray_recorder
        from aws_xray_sdk.core.models.facade_segment import FacadeSegment
        from aws_xray_sdk.core.models.subsegment import Subsegment
        from aws_xray_sdk.core.models.trace_header import TraceHeader
    finally:
        if known is stand_in:
            del sys.modules["wrapt"]
    return _Sdk(
        emitter=xray_recorder.emitter,
        enabled=global_sdk_config.sdk_enabled,
        header=TraceHeader.from_header_str,
        segment=FacadeSegment,
        subsegment=Subsegment,
    )


def warm_up() -> None:
    """Load the tracer. Called while the process starts, when Lambda lends a full CPU."""
    with suppress(Exception):
        _sdk()


def _trace_id() -> str:
    found = re.search(r"Root=([0-9a-f-]+)", os.environ.get("_X_AMZN_TRACE_ID", ""))
    return found[1] if found else ""


def _begin(name: str) -> Any:
    """Return a subsegment of Lambda's own segment; None where the invocation is not sampled."""
    if header := os.environ.get("_X_AMZN_TRACE_ID"):
        with suppress(Exception):
            found = _sdk().header(header)
            if found.root and found.parent and found.sampled and _sdk().enabled():
                segment = _sdk().segment("facade", found.parent, found.root, True)
                subsegment = _sdk().subsegment(name, "local", segment)
                subsegment.parent_id = segment.id
                return subsegment
    return None


def _aws_subsegment(parent: Any, name: str, details: Mapping[str, str]) -> Any:
    """Return a subsegment for a call to an AWS service; None where its parent is."""
    if parent:
        with suppress(Exception):
            subsegment = _sdk().subsegment(name, "aws", parent.parent_segment)
            subsegment.parent_id = parent.id
            subsegment.set_aws(details)
            return subsegment
    return None


def _end(subsegment: Any) -> None:
    """Send a subsegment, as a document of its own."""
    if subsegment:
        with suppress(Exception):
            subsegment.close()
            _sdk().emitter.send_entity(subsegment)


@contextmanager
def trace(route: str) -> Iterator[Span]:
    """Measure a request, as a subsegment with outcome and log fields as annotations."""
    span = Span(route)
    token = _span.set(span)
    subsegment = span.subsegment = _begin(route)
    try:
        yield span
    finally:
        _span.reset(token)
        if subsegment:
            with suppress(Exception):
                for key, value in {**span.log_fields, "outcome": span.outcome}.items():
                    subsegment.put_annotation(key, value)
                if span.status >= 500:
                    subsegment.add_fault_flag()
                elif span.status >= 400:
                    subsegment.add_error_flag()
            _end(subsegment)


@contextmanager
def aws_call(service: str, **details: str) -> Iterator[None]:
    """Measure a call to an AWS service, as a subsegment with its operation and resource."""
    started = time.perf_counter()
    span = _span.get()
    subsegment = _aws_subsegment(span and span.subsegment, service, details)
    try:
        yield
    finally:
        if span:
            span.aws_ms += (time.perf_counter() - started) * 1000
        _end(subsegment)


@cache
def _first_invocation() -> Iterator[bool]:
    """Return an iterator that is true once in a process: for its first request."""
    return iter((True,))


def _metrics(span: Span, cold: bool) -> dict[str, Any]:
    """Return the request's metrics in CloudWatch's embedded metric format.

    CloudWatch Logs finds `_aws` at the top level of any JSON line; Lambda's JSON logging puts
    `extra` there as it is.
    """
    by_route = ["FunctionName", "Route"]
    values: dict[str, float] = {
        "IdempotentReplays": int(bool(span.log_fields.get("replayed"))),
        "ColdStarts": int(cold),
    }
    units = [{"Name": name, "Unit": "Count"} for name in values]
    if span.aws_ms:
        values["AwsCallLatency"] = round(span.aws_ms, 3)
        units.append({"Name": "AwsCallLatency", "Unit": "Milliseconds"})
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
        cold = next(_first_invocation(), False)
        line = {
            **{name: value for name, value in span.log_fields.items() if name not in _RESERVED},
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


def log_warning(message: str) -> None:
    """Write a warning about the process, which no request is to blame for."""
    with suppress(Exception):
        _logger.warning(message)


def log_exception(error: Exception) -> None:
    """Write what an endpoint did not expect; the client is told nothing of it."""
    with suppress(Exception):
        span = _span.get()
        route = span.route if span else ""
        _logger.error("unexpected", exc_info=error, extra={"traceId": _trace_id(), "route": route})
