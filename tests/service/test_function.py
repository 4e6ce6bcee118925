"""The function, called as Lambda calls it: with moto, and with a DynamoDB that fails."""

# pylint: disable=protected-access  # starts each test with a process-wide client of its own

import io
import json
import logging
import math
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from function.declare import limits
from function.declare.endpoint import Response, Endpoint, Parameter, Request
from function.declare.errors import DeclarationError
from function.declare.permission import ACTIONS, TablePermission
from function.declare.problem import Problem
from function.declare.registry import validate_endpoints
from function.endpoints import post_epoch
from function.runtime import api_handler, aws_client, dynamodb, telemetry
from local import xray_daemon
from local.stack_files import ROOT
from tools.reliability import fake_dynamodb

CONTEXT = SimpleNamespace(aws_request_id="invocation")


def event(headers: dict[str, str] | None = None, **identity: str) -> dict[str, Any]:
    """Return API Gateway's event for POST /epoch."""
    return {
        "httpMethod": "POST",
        "resource": "/epoch",
        "headers": headers or {},
        "requestContext": {
            "requestId": "request",
            "identity": {"sourceIp": "192.0.2.1", "apiKeyId": "caller", **identity},
        },
    }


@contextmanager
def _own_client() -> Iterator[None]:
    """Let the function make a client by the environment as it is now, and forget it after."""
    aws_client._client.cache_clear()
    try:
        yield
    finally:
        aws_client._client.cache_clear()


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give each test an environment and a client of its own."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "TABLE_EPOCHS_NAME": "epochs",
    }.items():
        monkeypatch.setenv(name, value)
    yield


@pytest.fixture
def table() -> Iterator[Any]:
    """Return a function that reads the items of a table in moto."""
    with mock_aws():
        client = boto3.client("dynamodb")
        client.create_table(
            TableName="epochs",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
        )
        yield lambda: client.scan(TableName="epochs")["Items"]


@pytest.fixture
def tracer(monkeypatch: pytest.MonkeyPatch) -> Iterator[xray_daemon.XRayDaemon]:
    """Trace as in Lambda, every request under the same trace id, and collect the segments."""
    sdk = telemetry._sdk()
    from aws_xray_sdk.core.emitters import udp_emitter  # pylint: disable=import-outside-toplevel

    for route, handle in LEAKY.items():
        method, path = route.split()
        leaky = _endpoint(method=method, path=path, handle=handle, path_parameters=())
        monkeypatch.setitem(api_handler._ROUTES, route, leaky)
    with xray_daemon.running() as collector:
        monkeypatch.setenv("_X_AMZN_TRACE_ID", TRACED)
        emitter = udp_emitter.UDPEmitter(collector.address)
        monkeypatch.setattr(telemetry, "_sdk", lambda: sdk._replace(emitter=emitter))
        yield collector


def test_a_path_parameter_is_what_the_caller_means(monkeypatch: pytest.MonkeyPatch) -> None:
    """API Gateway passes the path on as it is in the URL."""
    seen: list[Any] = []

    def handle(request: Request[Any]) -> Response:
        seen.append(request.path_parameters)
        return Response(status=200, body={})

    endpoint = _endpoint(handle=handle)
    monkeypatch.setitem(api_handler._ROUTES, endpoint.route, endpoint)
    sent = {"httpMethod": "GET", "resource": "/epoch/{key}", "pathParameters": {"key": "a%2Fb%25+"}}
    assert api_handler.handler({**event(), **sent}, CONTEXT)["statusCode"] == 200
    assert seen == [{"key": "a/b%+"}]


def test_two_api_keys_never_share_a_record(table: Any) -> None:
    header = {"Idempotency-Key": "same"}
    mine, theirs = (api_handler.handler(event(header, apiKeyId=key), CONTEXT) for key in "ab")
    assert json.loads(mine["body"])["key"] != json.loads(theirs["body"])["key"]
    assert "Idempotency-Replayed" not in theirs["headers"] and len(table()) == 2


def test_an_unchecked_api_key_is_no_caller(table: Any) -> None:
    sent = event({"Idempotency-Key": "same", "x-api-key": "made up"}, apiKeyId="")
    assert api_handler.handler(sent, CONTEXT)["statusCode"] == 403 and not table()


def test_an_expired_record_is_recorded_anew(table: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTING_RETENTION_DAYS", "1")
    header = {"Idempotency-Key": "same"}
    api_handler.handler(event(header), CONTEXT)
    later = post_epoch.time.time_ns() + 2 * dynamodb.SECONDS_PER_DAY * 10**9
    monkeypatch.setattr(post_epoch.time, "time_ns", lambda: later)
    again = api_handler.handler(event(header), CONTEXT)
    assert "Idempotency-Replayed" not in again["headers"] and len(table()) == 1


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    (
        ("0", "203.0.113.9, 192.0.2.1", "192.0.2.1"),
        ("1", "203.0.113.9, 192.0.2.1", "203.0.113.9"),
        ("1", "198.51.100.1, 203.0.113.9, 192.0.2.1", "203.0.113.9"),
        ("2", "198.51.100.1, 203.0.113.9, 192.0.2.1", "198.51.100.1"),
        ("2", "203.0.113.9, 192.0.2.1", "192.0.2.1"),
        ("1", "not an address, 192.0.2.1", "192.0.2.1"),
        ("1", "", "192.0.2.1"),
        ("1", "203.0.113.9:4711, 192.0.2.1", "203.0.113.9"),
        ("1", "[2001:DB8::0:9]:443, 192.0.2.1", "2001:db8::9"),
        ("1", "fe80::1%<script>, 192.0.2.1", "fe80::1"),
        ("1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("many", "203.0.113.9, 192.0.2.1", "192.0.2.1"),
        ("1", "::ffff:203.0.113.9, 192.0.2.1", "203.0.113.9"),
    ),
)
@pytest.mark.usefixtures("table")
def test_only_declared_proxies_are_believed(
    monkeypatch: pytest.MonkeyPatch, proxies: str, forwarded: str, address: str
) -> None:
    monkeypatch.setenv("TRUSTED_PROXY_COUNT", proxies)
    answer = api_handler.handler(event({"X-Forwarded-For": forwarded}), CONTEXT)
    assert json.loads(answer["body"])["ip"] == address


def test_the_log_line_has_no_address_and_no_api_key(table: Any, caplog: Any) -> None:
    with written_to(caplog.handler):
        api_handler.handler(
            event({"x-api-key": "the-secret", "X-Forwarded-For": "192.0.2.9"}), CONTEXT
        )
    (record,) = caplog.records
    written = json.dumps(vars(record), default=str)
    assert "192.0.2." not in written and "the-secret" not in written
    assert vars(record)["key"] == table()[0]["key"]["S"] and vars(record)["Requests"] == 1
    assert vars(record)["apiKeyId"] == "caller" and vars(record)["lambdaRequestId"] == "invocation"


@contextmanager
def written_to(handler: logging.Handler) -> Iterator[None]:
    """Send the function's log lines to a handler too."""
    telemetry._logger.addHandler(handler)
    try:
        yield
    finally:
        telemetry._logger.removeHandler(handler)


def lines(call: Callable[[], object]) -> list[dict[str, Any]]:
    """Return the log lines that a call writes."""
    handler = logging.StreamHandler(stream := io.StringIO())
    handler.setFormatter(telemetry._JsonLines())
    with written_to(handler):
        call()
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_without_an_address_nothing_is_stored(table: Any) -> None:
    answer = api_handler.handler(event(sourceIp="test-invoke-source-ip"), CONTEXT)
    assert answer["statusCode"] == 400 and not table()


def test_two_idempotency_keys_in_a_request_are_refused(table: Any) -> None:
    sent = event() | {"multiValueHeaders": {"Idempotency-Key": ["a", "b"]}}
    assert api_handler.handler(sent, CONTEXT)["statusCode"] == 400 and not table()


def test_another_method_is_405_and_names_the_allowed_ones() -> None:
    answer = api_handler.handler(event() | {"httpMethod": "PUT"}, CONTEXT)
    assert answer["statusCode"] == 405 and answer["headers"]["Allow"] == "POST"


@pytest.mark.parametrize("microseconds", (0, 1, 500_000, 999_999))
def test_answer_item_and_repeat_have_the_same_digits(
    table: Any, monkeypatch: pytest.MonkeyPatch, microseconds: int
) -> None:
    now = (1_795_538_800_000_000 + microseconds) * 1000 + 999
    monkeypatch.setattr(post_epoch.time, "time_ns", lambda: now)
    first, again = (
        api_handler.handler(event({"Idempotency-Key": "one"}), CONTEXT) for _ in range(2)
    )
    (item,) = table()
    assert first["body"] == again["body"]
    digits = json.loads(first["body"], parse_float=str, parse_int=str)["epoch"]
    assert digits == item["epoch"]["N"] == str(dynamodb.number(digits))
    assert "." not in digits or not digits.endswith("0")  # DynamoDB would drop it
    assert round(float(digits) * 1e6) == now // 1000


def test_before_it_expires_a_record_is_repeated(
    table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SETTING_RETENTION_DAYS", "1")
    first, again = (
        api_handler.handler(event({"Idempotency-Key": "one"}), CONTEXT) for _ in range(2)
    )
    assert first["body"] == again["body"] and "Idempotency-Replayed" in again["headers"]
    assert len(table()) == 1


def _raise(error: Exception) -> Any:
    raise error


CIRCLE: dict[str, Any] = {}
CIRCLE["self"] = CIRCLE


@pytest.mark.parametrize(
    "handle",
    (
        lambda _: None,
        lambda _: Response(status=200, body={"a": math.nan}),
        lambda _: Response(status=200, body={"a": object()}),
        lambda _: Response(status=200, body=CIRCLE),
        lambda _: Response(status=200, body=[]),  # type: ignore[arg-type]
        lambda _: Response(status=999, body={}),
        lambda _: Response(status=200, body={}, headers={"A": "b\r\nSet-Cookie: c"}),
        lambda _: Response(status=200, body={}, headers={"A: b\r\nC": "d"}),
        lambda _: Response(status=200, body={}, headers={"A": 1}),  # type: ignore[dict-item]
        lambda _: _raise(Problem(200, "well")),
        lambda _: _raise(Problem(418_000, "what")),
        lambda _: _raise(Problem(400, "no", headers={"A": "b\nc"})),
        lambda _: _raise(RecursionError()),
        lambda request: request.nothing,
    ),
)
def test_an_invalid_response_of_an_endpoint_is_a_500_without_details(
    monkeypatch: pytest.MonkeyPatch, handle: Callable[[Request], Response]
) -> None:
    route = _endpoint(handle=handle)
    monkeypatch.setitem(api_handler._ROUTES, route.route, route)
    sent = event() | {"httpMethod": "GET", "resource": route.path}
    answers: list[dict[str, Any]] = []
    failure, line = lines(lambda: answers.append(api_handler.handler(sent, CONTEXT)))
    body = json.loads(answers[0]["body"])
    assert answers[0]["statusCode"] == body["status"] == 500
    assert body["detail"] == "The request could not be handled."
    assert failure["route"] == line["route"] == "GET /epoch/{key}" and failure["stackTrace"]
    assert line["outcome"] == "failed"


def test_an_answer_without_a_body_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = _endpoint(handle=lambda _: Response(status=204, body=None), responses={204: None})
    monkeypatch.setitem(api_handler._ROUTES, gone.route, gone)
    sent = event() | {"httpMethod": "GET", "resource": gone.path}
    assert api_handler.handler(sent, None) == {"statusCode": 204, "headers": {}, "body": ""}


def test_a_log_field_replaces_no_own_field_and_loses_no_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ("status", "route", "_aws", "Requests", "apiKeyId", "name", "message", "asctime")
    noted = _endpoint(
        handle=lambda _: Response(
            status=200, body={}, log_fields={"mine": "kept", **{name: "taken" for name in names}}
        )
    )
    monkeypatch.setitem(api_handler._ROUTES, noted.route, noted)
    sent = event() | {"httpMethod": "GET", "resource": noted.path}
    (line,) = lines(lambda: api_handler.handler(sent, CONTEXT))
    assert line["mine"] == "kept" and "taken" not in line.values()


def test_the_line_is_within_the_limits_of_the_embedded_metric_format(table: Any) -> None:
    (line,) = lines(lambda: api_handler.handler(event(), CONTEXT))
    assert table()
    for directive in line["_aws"]["CloudWatchMetrics"]:
        assert len(directive["Metrics"]) <= 100
        assert all(isinstance(line[m["Name"]], (int, float)) for m in directive["Metrics"])
        for names in directive["Dimensions"]:
            assert len(names) <= 30 and all(0 < len(line[name]) <= 1024 for name in names)


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
    assert api_handler.handler(event(), object())["statusCode"] == 201 and len(table()) == 1
    assert api_handler.handler(event({"Idempotency-Key": ""}), CONTEXT)["statusCode"] == 400


TRACED = "Root=1-00000000-000000000000000000000000;Parent=1111111111111111;Sampled=1"


def _leave_open(_: Request) -> Response:
    telemetry._begin_subsegment("left open")
    raise RuntimeError


LEAKY = {"GET /a": _leave_open, "GET /b": lambda _: _raise(Problem(418, "no"))}
SENT = (
    event(),
    event({"Idempotency-Key": "one"}),
    event({"Idempotency-Key": "a b"}),
    *({"httpMethod": "GET", "resource": route.split()[1]} for route in LEAKY),
    None,
)


def _segment(tracer: xray_daemon.XRayDaemon, key: str) -> xray_daemon.Segment:
    """Return the segment with an annotation; it comes by UDP, so a moment later."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for segment in tracer.trace(TRACED[5:40]):
            if segment.get("annotations", {}).get("key") == key:
                return segment
        time.sleep(0.005)
    raise AssertionError(f"no segment of {key}")


@given(before=st.lists(st.sampled_from(SENT), max_size=5))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_request_has_only_its_own_segments_after_any_other_requests(
    table: Any, tracer: xray_daemon.XRayDaemon, before: list[Any]
) -> None:
    for sent in before:
        api_handler.handler(sent, CONTEXT)
    assert telemetry._current_span.get() is None
    (line,) = lines(lambda: api_handler.handler(event(), CONTEXT))
    assert line["key"] in {item["key"]["S"] for item in table()}
    assert not line["replayed"] and line["outcome"] == "success" and line["apiKeyId"] == "caller"
    segment = _segment(tracer, line["key"])
    assert segment["parent_id"] == "1" * 16
    assert segment["annotations"] == {"key": line["key"], "replayed": False, "outcome": "success"}
    (below,) = (s for s in tracer.trace(TRACED[5:40]) if s["parent_id"] == segment["id"])
    assert below["name"] == "DynamoDB" and below["namespace"] == "aws"
    assert below["aws"] == {"operation": "PutItem", "table_name": "epochs"}
    assert segment["start_time"] <= below["start_time"] <= below["end_time"] <= segment["end_time"]


@pytest.mark.parametrize("header", (TRACED.replace("Sampled=1", "Sampled=0"), "nonsense"))
def test_a_request_that_is_not_sampled_sends_no_segment(
    table: Any, tracer: xray_daemon.XRayDaemon, monkeypatch: pytest.MonkeyPatch, header: str
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", header)
    api_handler.handler(event(), CONTEXT)
    assert table() and not tracer.trace(TRACED[5:40])


TEXT = st.text(max_size=40)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
HEADERS = st.dictionaries(
    st.sampled_from(["Idempotency-Key", "idempotency-key", "X-Forwarded-For", "x-api-key"]) | TEXT,
    TEXT | JUNK,
    max_size=5,
)
EVENTS = JUNK | st.fixed_dictionaries(
    {"httpMethod": st.just("POST") | TEXT, "resource": st.just("/epoch") | TEXT},
    optional={
        "headers": HEADERS | JUNK,
        "body": JUNK,
        "pathParameters": JUNK,
        "queryStringParameters": JUNK,
        "requestContext": JUNK
        | st.fixed_dictionaries(
            {
                "requestId": TEXT,
                "identity": st.fixed_dictionaries({"sourceIp": TEXT, "apiKeyId": TEXT}),
            }
        ),
    },
)


@given(sent=EVENTS)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@pytest.mark.usefixtures("table")
def test_for_any_event_the_answer_is_well_formed(sent: Any) -> None:
    answer = api_handler.handler(sent, CONTEXT)
    assert set(answer) == {"statusCode", "headers", "body"}
    body = json.loads(answer["body"])
    if answer["statusCode"] == 201:
        assert set(body) == {"key", "epoch", "ip"}
    else:
        assert answer["statusCode"] in {400, 403, 404, 405, 500, 503}
        assert set(body) == {"type", "title", "status", "detail", "requestId"}
        assert answer["headers"]["Content-Type"] == "application/problem+json"
    for value in answer["headers"].values():
        assert isinstance(value, str) and value.isascii() and value.isprintable()


Failing = Callable[..., AbstractContextManager[dict[str, Any]]]


@pytest.fixture(params=("no connection", "a connection"))
def failing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Failing:
    """Return a function that runs a DynamoDB with faults in its first responses; it yields items.

    The function's client has, or has not, an open connection to it.
    """

    @contextmanager
    def run(*faults: str) -> Iterator[dict[str, Any]]:
        # Long enough for an immediate response on a busy machine.
        monkeypatch.setattr(limits, "READ_TIMEOUT_S", 1 if "slow" in faults else 5)
        table = fake_dynamodb.Table()
        with fake_dynamodb.storage(table, *faults, delay_s=1.5) as server:
            monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
            with _own_client():
                if request.param == "a connection":
                    aws_client.warm_up()
                    assert server.checks
                yield table.items

    return run


@pytest.mark.parametrize("fault", ("throttled", "over capacity", "broken", "expired", "no item"))
def test_an_unavailable_table_is_503_with_retry_after(failing: Failing, fault: str) -> None:
    with failing(fault, fault) as items:
        answer = api_handler.handler(event(), CONTEXT)
    assert answer["statusCode"] == 503 and answer["headers"]["Retry-After"] == "1"
    assert not items and fake_dynamodb.SECRET not in answer["body"]


def test_a_storage_that_refuses_connections_is_503(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed, _own_client():
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
        answer = api_handler.handler(event(), CONTEXT)
    assert answer["statusCode"] == 503 and answer["headers"]["Retry-After"] == "1"


@pytest.mark.parametrize("fault", ("drop", "slow"))
@pytest.mark.parametrize("headers", ({}, {"Idempotency-Key": "one"}))
def test_a_write_whose_answer_is_lost_is_one_record_and_no_repeat(
    failing: Failing, headers: dict[str, str], fault: str
) -> None:
    with failing(fault) as items:
        answer = api_handler.handler(event(headers), CONTEXT)
    assert answer["statusCode"] == 201 and "Idempotency-Replayed" not in answer["headers"]
    assert list(items) == [json.loads(answer["body"])["key"]]


@pytest.mark.parametrize("fault", ("drop", "slow"))
def test_after_503_a_repeat_gets_the_record_that_was_written(failing: Failing, fault: str) -> None:
    with failing(fault, fault) as items:
        first = api_handler.handler(event({"Idempotency-Key": "one"}), CONTEXT)
        again = api_handler.handler(event({"Idempotency-Key": "one"}), CONTEXT)
    assert (first["statusCode"], again["statusCode"]) == (503, 201)
    assert again["headers"]["Idempotency-Replayed"] == "true" and len(items) == 1


def test_two_calls_in_one_microsecond_are_still_a_call_and_a_repeat(
    monkeypatch: pytest.MonkeyPatch, failing: Failing
) -> None:
    monkeypatch.setattr(post_epoch.time, "time_ns", lambda: 1_795_538_800_123_456_789)
    with failing():
        api_handler.handler(event({"Idempotency-Key": "one"}), CONTEXT)
        again = api_handler.handler(event({"Idempotency-Key": "one"}), CONTEXT)
    assert again["headers"]["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize("fault", (*fake_dynamodb.FORGERIES, "drip"))
def test_a_success_that_is_not_dynamodbs_is_503(
    monkeypatch: pytest.MonkeyPatch, fault: str, failing: Failing
) -> None:
    with failing(fault):
        with monkeypatch.context() as patched:
            patched.setattr(
                limits, "CALL_DEADLINE_S", 0.5 if fault == "drip" else limits.CALL_DEADLINE_S
            )
            answer = api_handler.handler(event(), CONTEXT)
        assert answer["statusCode"] == 503 and answer["headers"]["Retry-After"] == "1"
        # The fault does not last: the next call has its own connection and thread.
        assert api_handler.handler(event(), CONTEXT)["statusCode"] == 201


@pytest.mark.parametrize("fault", fake_dynamodb.FORGERIES)
def test_a_refusal_that_is_not_dynamodbs_is_503(failing: Failing, fault: str) -> None:
    with failing("", fault):
        assert api_handler.handler(event({"Idempotency-Key": "one"}), CONTEXT)["statusCode"] == 201
        again = api_handler.handler(event({"Idempotency-Key": "one"}), CONTEXT)
    assert again["statusCode"] == 503 and again["headers"]["Retry-After"] == "1"


@pytest.mark.parametrize(("start", "checks"), (("on-demand", 1), ("snap-start", 0)))
def test_the_first_call_takes_the_connection_that_the_start_has_opened(
    monkeypatch: pytest.MonkeyPatch, start: str, checks: int
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", start)
    with fake_dynamodb.storage(fake_dynamodb.Table()) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
        with _own_client():
            aws_client.warm_up()
            assert len(server.checks) == checks, "the client's HTTP session is somewhere else now"
            assert not server.calls
            assert api_handler.handler(event(), CONTEXT)["statusCode"] == 201
            aws_client._client("dynamodb").close()
    assert len(server.calls) == 1 and server.checks in ([], server.calls)


def test_the_function_starts_without_dynamodb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")
    with _own_client():
        aws_client.warm_up()


def test_the_tracer_loads_without_the_imports_of_its_decorators() -> None:
    code = (
        "import sys; from function.runtime import telemetry; telemetry._sdk();"
        "assert not {'wrapt', 'asyncio'} & set(sys.modules); import wrapt; wrapt.ObjectProxy"
    )
    environment = {"LAMBDA_TASK_ROOT": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=environment)


def test_expired_credentials_are_read_anew(
    monkeypatch: pytest.MonkeyPatch, failing: Failing
) -> None:
    with failing("expired"):
        assert api_handler.handler(event(), CONTEXT)["statusCode"] == 503
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "renewed")
        assert api_handler.handler(event(), CONTEXT)["statusCode"] == 201
        credentials = aws_client._client("dynamodb")._get_credentials()
        assert credentials.access_key == "renewed"


def test_a_restored_snapshot_signs_by_the_credentials_that_hold_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
    signed: list[str] = []
    table = fake_dynamodb.Table()

    def apply(headers: Mapping[str, str], body: bytes) -> fake_dynamodb.Reply:
        signed.append(headers["Authorization"].partition("Credential=")[2].partition("/")[0])
        return table(headers, body)

    with fake_dynamodb.storage(apply) as server, _own_client():
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.url)
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "of-the-start")
        aws_client.warm_up()
        for token in ("of-the-restore", "renewed"):
            monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", token)
            assert api_handler.handler(event(), CONTEXT)["statusCode"] == 201
        aws_client._client("dynamodb").close()
    assert signed == ["of-the-restore", "renewed"]


# Every error in DynamoDB's own model for the declared actions, and the status of the response if
# the endpoint does not handle it.
DECIDED = {
    "ConditionalCheckFailedException": 500,
    "DuplicateItemException": 500,
    "IdempotentParameterMismatchException": 500,
    "InternalServerError": 503,
    "ItemCollectionSizeLimitExceededException": 500,
    "ProvisionedThroughputExceededException": 503,
    "ReplicatedWriteConflictException": 503,
    "RequestLimitExceeded": 503,
    "ResourceNotFoundException": 500,
    "ThrottlingException": 503,
    "TransactionCanceledException": 500,
    "TransactionConflictException": 503,
    "TransactionInProgressException": 503,
}


def test_every_error_of_the_allowed_operations_is_decided() -> None:
    model = boto3.client("dynamodb").meta.service_model
    names = {action.partition(":")[2] for action in ACTIONS} & set(model.operation_names)
    partiql = ("BatchExecuteStatement", "ExecuteStatement", "ExecuteTransaction")
    transactions = ("TransactGetItems", "TransactWriteItems")
    known = {
        shape.name
        for name in (*names, *partiql, *transactions)
        for shape in model.operation_model(name).error_shapes
    }
    assert known == set(DECIDED)
    for code, status in DECIDED.items():
        assert aws_client._is_retryable("dynamodb", {"Error": {"Code": code}}) == (status == 503), code


@pytest.mark.parametrize(
    ("reasons", "passing"),
    (
        (["None", "TransactionConflict"], True),
        (["ThrottlingError", "ConditionalCheckFailed"], False),
        ([], False),
    ),
)
def test_a_cancelled_transaction_is_retryable_for_temporary_reasons_only(
    reasons: list[str], passing: bool
) -> None:
    cancelled = {
        "Error": {"Code": "TransactionCanceledException"},
        "CancellationReasons": [{"Code": reason} for reason in reasons],
    }
    assert aws_client._is_retryable("dynamodb", cancelled) == passing


def test_a_denied_call_is_a_500_without_details(failing: Failing) -> None:
    with failing("denied"):
        answer = api_handler.handler(event(), CONTEXT)
    assert answer["statusCode"] == 500 and fake_dynamodb.SECRET not in answer["body"]


def _parameter(name: str) -> Parameter:
    return Parameter(name=name, description="What it is.")


def _access(action: str) -> TablePermission:
    return TablePermission(table="epochs", actions=(action,))


def _endpoint(**changes: Any) -> Endpoint:
    values: dict[str, Any] = {
        "method": "GET",
        "path": "/epoch/{key}",
        "summary": "Read.",
        "handle": lambda request: Response(status=200, body={"ip": request.ip}),
        "responses": {200: {"type": "object"}},
        "path_parameters": (Parameter(name="key", description="Which."),),
    }
    return Endpoint(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "says"),
    (
        ({"method": "FETCH"}, "method must be one of"),
        ({"path": "/epoch/"}, "path must be"),
        ({"path": "epoch"}, "path must be"),
        ({"path": "/.."}, "path must be"),
        ({"path": "/epoch/{key+}/tail"}, "path must be"),
        ({"path": "/a b"}, "path must be"),
        ({"path": "/ping"}, "reserves this path"),
        ({"path": "/{a}/{a}"}, "path_parameters must describe"),
        ({"path": "/{other}"}, "path_parameters must describe"),
        ({"summary": " "}, "summary is missing"),
        ({"responses": {}}, "responses must map"),
        ({"responses": {404: {"type": "object"}}}, "responses must map"),
        ({"responses": {299: {"type": "object"}}}, "responses must map"),
        ({"request_headers": (_parameter("a b"),)}, "name: 'a b' is not letters, digits"),
        ({"query": (_parameter("a:b"),)}, "name: 'a:b' is not letters, digits"),
        ({"request_headers": (_parameter("A"), _parameter("a"))}, "parameter a is declared twice"),
        ({"query": (Parameter(name="a", description=""),)}, "parameter a needs a description"),
        ({"permissions": (_access("GetItem"),)}, "not one of DynamoDB's actions"),
        ({"permissions": (_access("dynamodb:PutItm"),)}, "not one of DynamoDB's actions"),
        ({"permissions": (_access("dynamodb:*"),)}, "not one of DynamoDB's actions"),
    ),
)
def test_an_invalid_endpoint_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(DeclarationError, match=says):
        validate_endpoints({"one": _endpoint(**changes)})


def test_conflicting_endpoints_are_refused() -> None:
    with pytest.raises(DeclarationError, match=r"s/b.py: GET .* twice, also in \S+/a.py"):
        validate_endpoints({"a": _endpoint(), "b": _endpoint()})
    with pytest.raises(DeclarationError, match="already"):
        other = (_parameter("other"),)
        validate_endpoints(
            {"a": _endpoint(), "b": _endpoint(path="/epoch/{other}/x", path_parameters=other)}
        )
    with pytest.raises(DeclarationError, match="too like"):
        flat = {"path_parameters": ()}
        put = _endpoint(path="/a/b", method="PUT", **flat)
        validate_endpoints({"a": _endpoint(path="/a-b", **flat), "b": put})
    with pytest.raises(DeclarationError, match="unknown table"):
        validate_endpoints(
            {
                "a": _endpoint(
                    permissions=(TablePermission(table="x", actions=("dynamodb:GetItem",)),)
                )
            }
        )


def test_a_fixed_part_and_a_parameter_may_stand_in_the_same_place() -> None:
    fixed = _endpoint(path="/epoch/key", path_parameters=())
    assert {
        endpoint.operation_id for endpoint in validate_endpoints({"a": _endpoint(), "b": fixed})
    } == {*("GetEpochByKey", "GetEpochKey")}


def test_an_endpoint_never_sees_the_api_key(monkeypatch: pytest.MonkeyPatch) -> None:
    telling = _endpoint(handle=lambda request: Response(status=200, body={"seen": str(request)}))
    monkeypatch.setitem(api_handler._ROUTES, telling.route, telling)
    sent = event({"X-API-Key": "the-secret", "Other": "told"})
    answer = api_handler.handler(sent | {"httpMethod": "GET", "resource": telling.path}, CONTEXT)
    assert "told" in answer["body"] and "the-secret" not in answer["body"]


def test_an_endpoint_runs_without_lambda() -> None:
    request = Request(ip="192.0.2.1", api_key_id="caller", request_id="request", settings={})
    assert _endpoint().handle(request).body == {"ip": "192.0.2.1"}


def test_the_function_imports_without_the_sdk_and_the_tracer() -> None:
    code = (
        "import sys; import function.runtime.api_handler; "
        "heavy = {'boto3', 'botocore', 'aws_xray_sdk', 'urllib3', 'asyncio', 'ssl', 'pulumi'}; "
        "print(sorted(heavy & {m.split('.')[0] for m in sys.modules}))"
    )
    run = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
