"""Logs, metrics and traces.

Only this module imports aws-xray-sdk, so another tracer changes nothing else.

Telemetry never fails a request: it drops its own errors.
"""

import json
import logging
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from types import SimpleNamespace
from typing import Any

from function.declare.schema import EMPTY_MAPPING
from function.runtime.lean_imports import lazy_modules, stand_in

# The namespace of the metrics in CloudWatch: the project's name.
NAMESPACE = os.environ.get("METRIC_NAMESPACE", "local")
_FUNCTION = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "local")
_VERSION = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "")

# The attributes of a log record itself; `logging` refuses them as `extra`.
RESERVED = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}

# X-Ray keeps 1,000 characters of an annotation, and a datagram to its daemon holds 64 KB.
_MAX_FIELD, _MAX_ANNOTATIONS = 1_000, 40_000

_encode = json.JSONEncoder(default=str).encode
_logger = logging.getLogger("function")
_logger.setLevel(logging.INFO)


class _JsonLines(logging.Formatter):
    """Formats log lines as Lambda's JSON logging does, for processes outside of Lambda."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {"level": record.levelname, "message": record.getMessage()}
        if record.exc_info and record.exc_info[0]:
            line["errorType"] = record.exc_info[0].__name__
            line["errorMessage"] = str(record.exc_info[1])
            line["stackTrace"] = self.formatException(record.exc_info).splitlines()
        line |= {k: v for k, v in vars(record).items() if k not in RESERVED}
        return _encode(line)


if "AWS_LAMBDA_LOG_FORMAT" not in os.environ:
    _handler = logging.StreamHandler(sys.stderr)
    _handler.setFormatter(_JsonLines())
    _logger.addHandler(_handler)
    _logger.propagate = False


class Span:
    """The measurements of one request or of one item of a job."""

    def __init__(self, route: str) -> None:
        self.route = route
        self.status = 0
        self.log_fields: dict[str, Any] = {}
        self.call_ms: list[float] = []
        self.aws_error = ""
        self.subsegment: Any = None

    def set_result(self, status: int, log_fields: Mapping[str, str | bool]) -> None:
        """Set the response's status, and add its log fields."""
        self.status = status
        self.add_fields(log_fields)

    def add_fields(self, log_fields: Mapping[str, Any]) -> None:
        """Add log fields; cut long ones."""
        with suppress(Exception):
            self.log_fields |= {name: _short(value) for name, value in log_fields.items()}

    @property
    def outcome(self) -> str:
        """`success`, `rejected` (status 4xx), `unavailable` (503) or `failed` (other 5xx)."""
        server_error = "unavailable" if self.status == 503 else "failed"
        return "success" if self.status < 400 else "rejected" if self.status < 500 else server_error


def _short(value: Any) -> Any:
    """Return a log field of at most _MAX_FIELD characters, as text if it has no other form."""
    try:
        plain = isinstance(value, (str, int, float))
        text = str(value) if plain else _encode(value)
    except Exception:  # noqa: BLE001
        text = value = type(value).__name__
    return value if len(text) <= _MAX_FIELD else f"{text[: _MAX_FIELD - 1]}…"


# The current one is the last: a process handles one item at a time, and may abandon a thread.
_spans: list[Span] = []


def current_span() -> Span | None:
    """Return the measurements of the running request or item."""
    return _spans[-1] if _spans else None


@cache
def _sdk() -> SimpleNamespace:
    """Import the parts of aws-xray-sdk that make subsegments and send them.

    The SDK's recorder would look up the current entity for each step, which costs more than the
    subsegments. Only its decorators and patches need wrapt, which imports asyncio, and `inspect`:
    most of the SDK's share of a cold start.
    """
    plain = stand_in("wrapt", decorator=lambda _: lambda wrapped: wrapped)
    with plain, lazy_modules({"inspect"}):
        from aws_xray_sdk import global_sdk_config
        from aws_xray_sdk.core import xray_recorder
        from aws_xray_sdk.core.models.facade_segment import FacadeSegment
        from aws_xray_sdk.core.models.subsegment import Subsegment
        from aws_xray_sdk.core.models.trace_header import TraceHeader
    return SimpleNamespace(
        emitter=xray_recorder.emitter,
        enabled=global_sdk_config.sdk_enabled,
        header=TraceHeader.from_header_str,
        segment=FacadeSegment,
        subsegment=Subsegment,
    )


def warm_up() -> None:
    """Load the tracer. Call this while the process starts: Lambda then gives it a full CPU."""
    with suppress(Exception):
        _sdk()


def _trace_id() -> str:
    found = re.search(r"Root=([0-9a-f-]+)", os.environ.get("_X_AMZN_TRACE_ID", ""))
    return found[1] if found else ""


def _sampled_segment() -> Any:
    """Return Lambda's own segment; None if X-Ray does not sample the invocation."""
    if header := os.environ.get("_X_AMZN_TRACE_ID"):
        with suppress(Exception):
            found = _sdk().header(header)
            if found.root and found.parent and found.sampled and _sdk().enabled():
                return _sdk().segment("facade", found.parent, found.root, True)
    return None


def _begin_subsegment(name: str, namespace: str, parent: Any) -> Any:
    """Return a subsegment of a segment or of another subsegment; None without a parent."""
    with suppress(Exception):
        if parent:
            segment = getattr(parent, "parent_segment", parent)
            subsegment = _sdk().subsegment(name, namespace, segment)
            subsegment.parent_id = parent.id
            return subsegment
    return None


def _end_subsegment(subsegment: Any) -> None:
    """Close a subsegment and send it as a document of its own."""
    if subsegment:
        with suppress(Exception):
            subsegment.close()
            _sdk().emitter.send_entity(subsegment)


@contextmanager
def trace(route: str) -> Iterator[Span]:
    """Measure a request, as a subsegment with outcome and log fields as annotations."""
    span = Span(route)
    _spans.append(span)
    subsegment = span.subsegment = _begin_subsegment(route, "local", _sampled_segment())
    try:
        yield span
    finally:
        _spans.remove(span)
        if subsegment:
            with suppress(Exception):
                room = _MAX_ANNOTATIONS
                for key, value in {"outcome": span.outcome, **span.log_fields}.items():
                    room -= len(ascii(key)) + len(ascii(value))
                    if room > 0:
                        subsegment.put_annotation(key, value)
                if span.status >= 500:
                    subsegment.add_fault_flag()
                elif span.status >= 400:
                    subsegment.add_error_flag()
            _end_subsegment(subsegment)


def set_aws_error(message: str) -> None:
    """Set the error that the log line of a 500 or 503 names."""
    if span := current_span():
        span.aws_error = _short(message)


@contextmanager
def aws_call(service: str, **details: str) -> Iterator[None]:
    """Measure a call to an AWS service, as a subsegment with its operation and resource."""
    started = time.perf_counter()
    span = current_span()
    subsegment = _begin_subsegment(service, "aws", span and span.subsegment)
    if subsegment:
        with suppress(Exception):
            subsegment.set_aws(details)
    try:
        yield
    except Exception as error:
        set_aws_error(f"{type(error).__name__}: {error}")
        raise
    finally:
        if span:
            span.call_ms.append((time.perf_counter() - started) * 1000)
        _end_subsegment(subsegment)


# Has one item, True, for the first request of the process.
_cold_start = iter((True,))


def _metrics(span: Span, cold: bool) -> dict[str, Any]:
    """Return the request's metrics in CloudWatch's embedded metric format.

    CloudWatch Logs looks for `_aws` at the top level of a JSON line. Lambda's JSON logging writes
    `extra` to that level unchanged.
    """
    by_route = ["FunctionName", "Route"]
    replayed = bool(span.log_fields.get("replayed"))
    values: dict[str, float] = {"IdempotentReplays": int(replayed), "ColdStarts": int(cold)}
    units = [{"Name": name, "Unit": "Count"} for name in values]
    if span.call_ms:
        values["AwsCallLatency"] = round(sum(span.call_ms), 3)
        units.append({"Name": "AwsCallLatency", "Unit": "Milliseconds"})
    requests = [{"Name": "Requests", "Unit": "Count"}]
    directives = [
        {"Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": metrics}
        for dimensions, metrics in (([*by_route, "Outcome"], requests), (by_route, units))
    ]
    return {
        "_aws": {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": directives},
        # CloudWatch refuses an empty dimension.
        "FunctionName": _FUNCTION,
        "Route": span.route,
        "Outcome": span.outcome,
        "Requests": 1,
        **values,
    }


def log_request(span: Span, fields: Mapping[str, Any]) -> None:
    """Write the request's only log line, which also holds its metrics.

    A log field of the endpoint never replaces one of these fields. It is left out if `logging`
    reserves its name.
    """
    with suppress(Exception):
        cold = next(_cold_start, False)
        line = {
            **{name: value for name, value in span.log_fields.items() if name not in RESERVED},
            "route": span.route,
            "status": span.status,
            "outcome": span.outcome,
            "coldStart": cold,
            "version": _VERSION,
            "traceId": _trace_id(),
            **({"awsError": span.aws_error} if span.aws_error and span.status >= 500 else {}),
            **fields,
            **_metrics(span, cold),
        }
        _logger.info("request", extra=line)


def log_warning(message: str) -> None:
    """Write a warning about the process, not about a request."""
    with suppress(Exception):
        _logger.warning(message)


def log_exception(error: BaseException, fields: Mapping[str, Any] = EMPTY_MAPPING) -> None:
    """Write an unexpected exception with its stack trace, which the client never receives."""
    with suppress(Exception):
        span = current_span()
        try:
            str(error)
        except BaseException:  # noqa: BLE001
            error = RuntimeError(f"{type(error).__name__} without a readable message")
        extra = {**fields, "traceId": _trace_id(), "route": span.route if span else ""}
        _logger.error("unexpected", exc_info=error, extra=extra)
