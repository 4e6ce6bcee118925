"""The function, called as Lambda calls it: with moto, and with a DynamoDB that fails."""

# pylint: disable=protected-access  # starts each test with a process-wide client of its own

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from function import main, storage
from function.contract import Access, Answer, DeclarationError, Endpoint, Request
from function.endpoints import check, post_epoch
from local.program import ROOT

CONTEXT = SimpleNamespace(aws_request_id="invocation")


def event(headers: dict[str, str] | None = None, **identity: str) -> dict[str, Any]:
    """Return what API Gateway sends for POST /epoch."""
    return {
        "httpMethod": "POST",
        "resource": "/epoch",
        "headers": headers or {},
        "requestContext": {
            "requestId": "request",
            "identity": {"sourceIp": "192.0.2.1", "apiKeyId": "caller", **identity},
        },
    }


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give each test an environment and a client of its own."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "EPOCH_TABLE": "epochs",
    }.items():
        monkeypatch.setenv(name, value)
    storage._client.cache_clear()
    yield
    storage._client.cache_clear()


@pytest.fixture
def table() -> Iterator[Any]:
    """Return what reads the items of a table in moto."""
    with mock_aws():
        client = boto3.client("dynamodb")
        client.create_table(
            TableName="epochs",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
        )
        yield lambda: client.scan(TableName="epochs")["Items"]


def test_two_api_keys_never_share_a_record(table: Any) -> None:
    header = {"Idempotency-Key": "same"}
    mine, theirs = (main.handler(event(header, apiKeyId=key), CONTEXT) for key in "ab")
    assert json.loads(mine["body"])["key"] != json.loads(theirs["body"])["key"]
    assert "Idempotency-Replayed" not in theirs["headers"] and len(table()) == 2


def test_an_expired_record_is_recorded_anew(table: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_DAYS", "1")
    header = {"Idempotency-Key": "same"}
    main.handler(event(header), CONTEXT)
    later = post_epoch.time.time_ns() + 2 * storage.SECONDS_PER_DAY * 10**9
    monkeypatch.setattr(post_epoch.time, "time_ns", lambda: later)
    again = main.handler(event(header), CONTEXT)
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
    ),
)
@pytest.mark.usefixtures("table")
def test_only_declared_proxies_are_believed(
    monkeypatch: pytest.MonkeyPatch, proxies: str, forwarded: str, address: str
) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", proxies)
    answer = main.handler(event({"X-Forwarded-For": forwarded}), CONTEXT)
    assert json.loads(answer["body"])["ip"] == address


def test_the_log_line_has_no_address_and_no_api_key(table: Any, caplog: Any) -> None:
    storage.telemetry._logger.addHandler(caplog.handler)
    try:
        main.handler(event({"x-api-key": "the-secret"}), CONTEXT)
    finally:
        storage.telemetry._logger.removeHandler(caplog.handler)
    (record,) = caplog.records
    written = json.dumps(vars(record), default=str)
    assert "192.0.2.1" not in written and "the-secret" not in written
    assert vars(record)["key"] == table()[0]["key"]["S"] and vars(record)["Requests"] == 1


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
    answer = main.handler(sent, CONTEXT)
    assert set(answer) == {"statusCode", "headers", "body"}
    body = json.loads(answer["body"])
    if answer["statusCode"] == 201:
        assert set(body) == {"key", "epoch", "ip"}
    else:
        assert answer["statusCode"] in {400, 403, 404, 500, 503}
        assert set(body) == {"type", "title", "status", "detail", "requestId"}
        assert answer["headers"]["Content-Type"] == "application/problem+json"
    for value in answer["headers"].values():
        assert isinstance(value, str) and value.isascii() and value.isprintable()


class Storage(BaseHTTPRequestHandler):
    """A DynamoDB that applies conditional puts, and fails as its server is told to."""

    server: Any

    def log_message(self, *_: Any) -> None:
        """Stay quiet."""

    def _reply(self, status: int, body: dict[str, Any]) -> None:
        sent = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def do_POST(self) -> None:  # pylint: disable=invalid-name
        """Answer a PutItem."""
        put = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fault = self.server.faults.pop(0) if self.server.faults else ""
        if fault in {"ThrottlingException", "ProvisionedThroughputExceededException"}:
            self._reply(400, {"__type": f"com.amazonaws#{fault}", "message": "table secret-arn"})
            return
        if fault == "InternalServerError":
            self._reply(500, {"__type": f"com.amazonaws#{fault}", "message": "secret-arn"})
            return
        there = self.server.items.setdefault(put["Item"]["key"]["S"], put["Item"])
        if fault == "drop":
            self.close_connection = True
        elif fault == "AccessDeniedException":
            self._reply(400, {"__type": f"com.amazonaws#{fault}", "message": "secret-arn"})
        elif there is put["Item"]:
            self._reply(200, {})
        else:
            kind = "com.amazonaws#ConditionalCheckFailedException"
            self._reply(400, {"__type": kind, "message": "failed", "Item": there})


@contextmanager
def failing(monkeypatch: pytest.MonkeyPatch, *faults: str) -> Iterator[dict[str, Any]]:
    """Run a DynamoDB whose first answers are `faults`; yield its items."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Storage)
    server.faults, server.items = list(faults), {}
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{server.server_port}")
    try:
        yield server.items
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    "fault",
    ("ThrottlingException", "ProvisionedThroughputExceededException", "InternalServerError"),
)
def test_a_storage_that_cannot_is_503_with_retry_after(
    monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    with failing(monkeypatch, fault, fault) as items:
        answer = main.handler(event(), CONTEXT)
    assert answer["statusCode"] == 503 and answer["headers"]["Retry-After"] == "1"
    assert not items and "secret" not in answer["body"]


@pytest.mark.parametrize("headers", ({}, {"Idempotency-Key": "one"}))
def test_a_write_whose_answer_is_lost_is_one_record_and_no_repeat(
    monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    with failing(monkeypatch, "drop") as items:
        answer = main.handler(event(headers), CONTEXT)
    assert answer["statusCode"] == 201 and "Idempotency-Replayed" not in answer["headers"]
    assert list(items) == [json.loads(answer["body"])["key"]]


def test_after_503_a_repeat_gets_the_record_that_was_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with failing(monkeypatch, "drop", "drop") as items:
        first = main.handler(event({"Idempotency-Key": "one"}), CONTEXT)
        again = main.handler(event({"Idempotency-Key": "one"}), CONTEXT)
    assert (first["statusCode"], again["statusCode"]) == (503, 201)
    assert again["headers"]["Idempotency-Replayed"] == "true" and len(items) == 1


def test_a_refusal_is_a_500_that_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with failing(monkeypatch, "AccessDeniedException"):
        answer = main.handler(event(), CONTEXT)
    assert answer["statusCode"] == 500 and "secret" not in answer["body"]


def _endpoint(**changes: Any) -> Endpoint:
    values: dict[str, Any] = {
        "method": "GET",
        "path": "/epoch/{key}",
        "summary": "Read.",
        "handle": lambda request: Answer(status=200, body={"ip": request.ip}),
        "answers": {200: {"type": "object"}},
    }
    return Endpoint(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "says"),
    (
        ({"method": "FETCH"}, "method must be one of"),
        ({"path": "/epoch/"}, "path must be"),
        ({"path": "epoch"}, "path must be"),
        ({"path": "/{a}/{a}"}, "named twice"),
        ({"answers": {}}, "answers must map"),
        ({"access": (Access(table="epochs", actions=("GetItem",)),)}, "not an IAM action"),
    ),
)
def test_a_declaration_that_cannot_work_fails_at_once(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(DeclarationError, match=says):
        _endpoint(**changes)


def test_declarations_that_cannot_coexist_fail_at_once() -> None:
    with pytest.raises(DeclarationError, match="declared twice"):
        check([_endpoint(), _endpoint()])
    with pytest.raises(DeclarationError, match="already"):
        check([_endpoint(), _endpoint(path="/epoch/{other}")])
    with pytest.raises(DeclarationError, match="unknown table"):
        check([_endpoint(access=(Access(table="x", actions=("dynamodb:GetItem",)),))])


def test_an_endpoint_knows_nothing_of_lambda() -> None:
    request = Request(ip="192.0.2.1", api_key_id="caller", request_id="request")
    assert _endpoint().handle(request).body == {"ip": "192.0.2.1"}


def test_the_function_imports_without_boto3_and_the_tracer() -> None:
    code = (
        "import sys; import function.main; "
        "heavy = {'boto3', 'botocore', 'aws_xray_sdk'}; "
        "print([m for m in sys.modules if m.split('.')[0] in heavy])"
    )
    run = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
