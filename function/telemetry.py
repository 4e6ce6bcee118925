"""Logs and traces. The one module that knows aws-xray-sdk; another tracer is a change to it."""

import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

_logger = logging.getLogger("function")
_logger.setLevel(logging.INFO)


class _JsonLines(logging.Formatter):
    """What Lambda's JSON logging writes, for processes that Lambda did not start."""

    _STANDARD = frozenset(vars(logging.makeLogRecord({})))

    def format(self, record: logging.LogRecord) -> str:
        extra = {k: v for k, v in vars(record).items() if k not in self._STANDARD}
        line = {"level": record.levelname, "message": record.getMessage(), **extra}
        return json.dumps(line, default=str)


if "AWS_LAMBDA_LOG_FORMAT" not in os.environ:
    _handler = logging.StreamHandler(sys.stderr)
    _handler.setFormatter(_JsonLines())
    _logger.addHandler(_handler)
    _logger.propagate = False


@cache
def _recorder() -> Any:
    from aws_xray_sdk.core import xray_recorder  # pylint: disable=import-outside-toplevel

    return xray_recorder


def _tracing() -> bool:
    return "_X_AMZN_TRACE_ID" in os.environ


@contextmanager
def trace(name: str, annotations: Mapping[str, str | bool]) -> Iterator[None]:
    """Record a subsegment; `annotations` are read when it ends, so the caller may fill them."""
    if not _tracing():
        yield
        return
    with _recorder().in_subsegment(name) as subsegment:
        try:
            yield
        finally:
            for key, value in annotations.items():
                subsegment.put_annotation(key, value)


@contextmanager
def aws_call(service: str, **details: str) -> Iterator[None]:
    """Record a call to an AWS service as a subsegment with its operation and resource."""
    if not _tracing():
        yield
        return
    with _recorder().in_subsegment(service, namespace="aws") as subsegment:
        for key, value in details.items():
            subsegment.set_aws({**(subsegment.aws or {}), key: value})
        yield


def log_request(fields: Mapping[str, Any]) -> None:
    """Write the request's one log line."""
    _logger.info("request", extra=dict(fields))
