"""Each request sends its own segments to X-Ray, whatever came before it."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from function.declare.endpoint import Request, Response
from function.declare.problem import Problem
from function.runtime import telemetry
from local import local_stack, xray_daemon
from tests.fixtures import notes
from tests.fixtures.notes import api_handler

pytestmark = pytest.mark.socket

TRACED = "Root=1-00000000-000000000000000000000000;Parent=1111111111111111;Sampled=1"


def _refuse(_: Request) -> Response:
    raise Problem(403, "no")


def _leave_open(_: Request) -> Response:
    telemetry._begin_subsegment("left open", "aws", telemetry._sampled_segment())
    raise RuntimeError


LEAKY = {"GET /a": _leave_open, "GET /b": _refuse}
SENT = (
    notes.event(),
    notes.event({"Note-Id": "one"}),
    notes.event({"Note-Id": "a b"}),
    *({"httpMethod": "GET", "resource": route.split()[1]} for route in LEAKY),
)


@pytest.fixture
def table() -> Iterator[Any]:
    """Return a function that reads the items of the table."""
    with notes.served(), notes.table_in_moto() as items:
        yield items


@pytest.fixture
def tracer(table: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[xray_daemon.XRayDaemon]:
    """Trace as in Lambda, every request under the same trace id, and collect the segments."""
    sdk = telemetry._sdk()
    from aws_xray_sdk.core.emitters import udp_emitter

    for route, handle in LEAKY.items():
        method, path = route.split()
        leaky = notes.endpoint(method=method, path=path, handle=handle, path_parameters=())
        monkeypatch.setitem(api_handler._ROUTES, route, leaky)
    with local_stack.serving(xray_daemon.XRayDaemon()) as collector:
        monkeypatch.setenv("_X_AMZN_TRACE_ID", TRACED)
        emitter = udp_emitter.UDPEmitter(collector.address)
        monkeypatch.setattr(sdk, "emitter", emitter)
        yield collector


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
    assert not telemetry._spans
    (line,) = notes.lines(lambda: api_handler.handler(notes.event(), notes.CONTEXT))
    assert line["note"] in {item["id"]["S"] for item in table()}
    assert not line["replayed"] and line["outcome"] == "success" and line["apiKeyId"] == "caller"
    segment = _segment(tracer, line["note"])
    assert segment["parent_id"] == "1" * 16
    assert segment["annotations"] == {"note": line["note"], "replayed": False, "outcome": "success"}
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
