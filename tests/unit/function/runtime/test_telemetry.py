"""Logs, metrics and traces of a request; an error in one of them never fails the request."""

# pylint: disable=protected-access

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from function.declare.endpoint import Request, Response
from function.declare.problem import Problem
from function.runtime import telemetry
from local import xray_daemon
from local.stack_files import ROOT
from tests.fixtures import notes
from tests.fixtures.notes import api_handler

pytestmark = pytest.mark.usefixtures("service")


TRACED = "Root=1-00000000-000000000000000000000000;Parent=1111111111111111;Sampled=1"


def _raise(error: Exception) -> Any:
    raise error


def _leave_open(_: Request) -> Response:
    telemetry._begin_subsegment("left open")
    raise RuntimeError


LEAKY = {"GET /a": _leave_open, "GET /b": lambda _: _raise(Problem(418, "no"))}
SENT = (
    notes.event(),
    notes.event({"Note-Id": "one"}),
    notes.event({"Note-Id": "a b"}),
    *({"httpMethod": "GET", "resource": route.split()[1]} for route in LEAKY),
    None,
)


@pytest.fixture
def tracer(
    service: None, monkeypatch: pytest.MonkeyPatch  # pylint: disable=unused-argument
) -> Iterator[xray_daemon.XRayDaemon]:
    """Trace as in Lambda, every request under the same trace id, and collect the segments."""
    sdk = telemetry._sdk()
    from aws_xray_sdk.core.emitters import udp_emitter  # pylint: disable=import-outside-toplevel

    for route, handle in LEAKY.items():
        method, path = route.split()
        leaky = notes.endpoint(method=method, path=path, handle=handle, path_parameters=())
        monkeypatch.setitem(api_handler._ROUTES, route, leaky)
    with xray_daemon.running() as collector:
        monkeypatch.setenv("_X_AMZN_TRACE_ID", TRACED)
        emitter = udp_emitter.UDPEmitter(collector.address)
        monkeypatch.setattr(telemetry, "_sdk", lambda: sdk._replace(emitter=emitter))
        yield collector


def test_the_log_line_has_no_address_and_no_api_key(table: Any, caplog: Any) -> None:
    with notes.written_to(caplog.handler):
        api_handler.handler(
            notes.event({"x-api-key": "the-secret", "X-Forwarded-For": "192.0.2.9"}), notes.CONTEXT
        )
    (record,) = caplog.records
    written = json.dumps(vars(record), default=str)
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
    broken = telemetry._sdk()._replace(subsegment=lambda *_: SimpleNamespace())
    monkeypatch.setattr(telemetry, "_sdk", lambda: broken)


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


def _segment(tracer: xray_daemon.XRayDaemon, note: str) -> xray_daemon.Segment:
    """Return the segment with an annotation; it comes by UDP, so a moment later."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for segment in tracer.trace(TRACED[5:40]):
            if segment.get("annotations", {}).get("note") == note:
                return segment
        time.sleep(0.005)
    raise AssertionError(f"no segment of {note}")


@given(before=st.lists(st.sampled_from(SENT), max_size=5))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_request_has_only_its_own_segments_after_any_other_requests(
    table: Any, tracer: xray_daemon.XRayDaemon, before: list[Any]
) -> None:
    for sent in before:
        api_handler.handler(sent, notes.CONTEXT)
    assert telemetry._current_span.get() is None
    (line,) = notes.lines(lambda: api_handler.handler(notes.event(), notes.CONTEXT))
    assert line["note"] in {item["id"]["S"] for item in table()}
    assert not line["replayed"] and line["outcome"] == "success" and line["apiKeyId"] == "caller"
    segment = _segment(tracer, line["note"])
    assert segment["parent_id"] == "1" * 16
    assert segment["annotations"] == {
        "note": line["note"],
        "replayed": False,
        "outcome": "success",
    }
    (below,) = (s for s in tracer.trace(TRACED[5:40]) if s["parent_id"] == segment["id"])
    assert below["name"] == "DynamoDB" and below["namespace"] == "aws"
    assert below["aws"] == {"operation": "PutItem", "table_name": "notes"}
    assert segment["start_time"] <= below["start_time"] <= below["end_time"] <= segment["end_time"]


@pytest.mark.parametrize("header", (TRACED.replace("Sampled=1", "Sampled=0"), "nonsense"))
def test_a_request_that_is_not_sampled_sends_no_segment(
    table: Any, tracer: xray_daemon.XRayDaemon, monkeypatch: pytest.MonkeyPatch, header: str
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", header)
    api_handler.handler(notes.event(), notes.CONTEXT)
    assert table() and not tracer.trace(TRACED[5:40])


def test_the_tracer_loads_without_the_imports_of_its_decorators() -> None:
    code = (
        "import sys; from function.runtime import telemetry; telemetry._sdk();"
        "assert not {'wrapt', 'asyncio'} & set(sys.modules); import wrapt; wrapt.ObjectProxy"
    )
    environment = {"LAMBDA_TASK_ROOT": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=environment)
