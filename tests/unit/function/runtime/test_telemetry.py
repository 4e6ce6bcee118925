"""Logs, metrics and traces of a request; an error in one of them never fails the request."""

import io
import json
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from function.declare.endpoint import Response
from function.runtime import telemetry
from tests.fixtures import notes
from tests.fixtures.notes import api_handler

pytestmark = pytest.mark.usefixtures("service")


TRACED = "Root=1-00000000-000000000000000000000000;Parent=1111111111111111;Sampled=1"


def _raise(error: Exception) -> Any:
    raise error


def test_the_log_line_has_no_address_and_no_api_key(
    table: Any, caplog: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with notes.written_to(caplog.handler):
        api_handler.handler(
            notes.event({"x-api-key": "the-secret", "X-Forwarded-For": "192.0.2.9"}), notes.CONTEXT
        )
    (record,) = caplog.records
    written = json.dumps(vars(record), default=str)
    written += "".join(capsys.readouterr())
    assert "192.0.2." not in written and "the-secret" not in written
    assert vars(record)["note"] == table()[0]["id"]["S"] and vars(record)["Requests"] == 1
    assert vars(record)["apiKeyId"] == "caller" and vars(record)["lambdaRequestId"] == "invocation"


def test_a_log_field_replaces_no_own_field_and_loses_no_line() -> None:
    names = ("status", "route", "_aws", "Requests", "apiKeyId", "name", "message", "asctime")
    noted = notes.endpoint(
        handle=lambda _: Response(
            status=200, body={}, log_fields={"mine": "kept", **{name: "taken" for name in names}}
        )
    )
    (line,) = notes.lines(lambda: notes.call(noted))
    assert line["mine"] == "kept" and "taken" not in line.values()


def test_the_line_is_within_the_limits_of_the_embedded_metric_format(table: Any) -> None:
    (line,) = notes.lines(lambda: api_handler.handler(notes.event(), notes.CONTEXT))
    assert table()
    for directive in line["_aws"]["CloudWatchMetrics"]:
        assert len(directive["Metrics"]) <= 100
        assert all(isinstance(line[m["Name"]], (int, float)) for m in directive["Metrics"])
        for names in directive["Dimensions"]:
            assert len(names) <= 30 and all(0 < len(line[name]) <= 1024 for name in names)


def test_a_replay_is_a_metric() -> None:
    replayed = notes.endpoint(
        handle=lambda _: Response(status=200, body={}, log_fields={"replayed": True})
    )
    for endpoint, count in ((replayed, 1), (notes.endpoint(), 0)):
        (line,) = notes.lines(lambda called=endpoint: notes.call(called))  # type: ignore[misc]
        assert line["IdempotentReplays"] == count


def _break_recorder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", TRACED)
    monkeypatch.setattr(telemetry, "_sdk", lambda: _raise(RuntimeError()))


def _break_subsegment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", TRACED)
    monkeypatch.setattr(telemetry._sdk(), "subsegment", lambda *_: SimpleNamespace())


def _break_logger(monkeypatch: pytest.MonkeyPatch) -> None:
    for level in ("info", "error"):
        monkeypatch.setattr(telemetry._logger, level, lambda *_, **__: _raise(OSError()))


def _break_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    for handler in telemetry._logger.handlers:
        if isinstance(handler.formatter, telemetry._JsonLines):
            monkeypatch.setattr(handler, "stream", closed)


@pytest.mark.parametrize(
    "broken", (_break_recorder, _break_subsegment, _break_logger, _break_stderr)
)
def test_an_error_in_telemetry_fails_no_request(
    table: Any,
    monkeypatch: pytest.MonkeyPatch,
    broken: Callable[[pytest.MonkeyPatch], None],
) -> None:
    broken(monkeypatch)
    assert api_handler.handler(notes.event(), object())["statusCode"] == 201 and len(table()) == 1
    assert api_handler.handler(notes.event({"Note-Id": "?"}), notes.CONTEXT)["statusCode"] == 400
