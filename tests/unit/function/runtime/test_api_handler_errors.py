"""The API's handler: any exception is a problem and a log line, any type of msgspec is a body."""

import json
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple, TypedDict

import msgspec
import pytest

from function.declare.endpoint import Endpoint, Request, Response
from function.declare.problem import Problem
from function.runtime import api_handler, aws_client, deadline
from tests.fixtures import notes

Send = Callable[..., dict[str, Any]]


@pytest.fixture(name="send")
def _send(monkeypatch: pytest.MonkeyPatch) -> Send:
    """Return a function that sends an event to a handler."""

    def send(handle: Callable[[Request[Any]], Any], context: Any = None, **event: Any) -> Any:
        endpoint: Endpoint[Any] = Endpoint(
            "GET", "/it", "Reads.", handle, {200: None}, problems={409: None}
        )
        monkeypatch.setitem(api_handler._ROUTES, endpoint.route, endpoint)
        event = {"httpMethod": "GET", "resource": "/it", **event}
        return api_handler.handler(event, context)

    return send


def _raising(error: BaseException) -> Callable[[Any], Any]:
    def handle(_: Any) -> Any:
        raise error

    return handle


class Colour(Enum):
    """A value with a name."""

    RED = "red"


class Price(msgspec.Struct, rename="camel"):
    """A part of a body."""

    per_unit: Decimal


@dataclass
class Place:
    """A part of a body."""

    name: str


class Pair(NamedTuple):
    """A part of a body, which is an array in JSON."""

    first: date
    second: int


class Thing(TypedDict):
    """A body."""

    price: Decimal
    at: datetime


AT = datetime(2027, 3, 28, 2, 30, tzinfo=UTC)
ID = uuid.UUID(int=1)


@pytest.mark.parametrize(
    ("body", "expected"),
    (
        (Thing(price=Decimal("1.50"), at=AT), {"price": "1.50", "at": "2027-03-28T02:30:00Z"}),
        (Price(Decimal(1)), {"perUnit": "1"}),
        (
            {"place": Place("here"), "ids": {ID: Colour.RED}},
            {"place": {"name": "here"}, "ids": {str(ID): "red"}},
        ),
        (
            {"raw": b"\xff", "set": {1}, "pair": Pair(date(2027, 1, 2), 3)},
            {"raw": "/w==", "set": [1], "pair": ["2027-01-02", 3]},
        ),
        (MappingProxyType({"a": Decimal(1)}), {"a": "1"}),
        ({1: "one", "nested": {2: ID}}, {"1": "one", "nested": {"2": str(ID)}}),
    ),
)
def test_a_body_is_serialized_as_msgspec_does(send: Send, body: Any, expected: Any) -> None:
    reply = send(lambda _: Response(200, body))
    assert (reply["statusCode"], json.loads(reply["body"])) == (200, expected)


@pytest.mark.parametrize(
    ("many", "last", "expected"),
    (
        ({"tag": ["1", "2", "3"]}, None, ("3", ("1", "2", "3"), ())),
        ({"tag": ["", "2"]}, {"tag": "first"}, ("2", ("", "2"), ())),
        (None, {"tag": "1"}, ("1", ("1",), ())),
        (None, None, (None, (), ())),
    ),
)
def test_all_values_of_a_query_parameter_can_be_read(
    send: Send, many: Any, last: Any, expected: Any
) -> None:
    seen: list[Any] = []

    def handle(request: Request[Any]) -> Response:
        seen.append((request.query.get("tag"), request.query_all("tag"), request.query_all("b")))
        return Response(200, {})

    send(handle, multiValueQueryStringParameters=many, queryStringParameters=last)
    assert seen == [expected]


def test_a_call_that_would_outlast_the_invocation_is_a_503_with_a_log_line(
    send: Send, records: list[logging.LogRecord]
) -> None:
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 300)
    with notes.credentials():
        reply = send(lambda _: aws_client.send("sqs", "list_queues", {}, {}), context)
    (line,) = records
    assert reply["statusCode"] == 503 and reply["headers"]["Retry-After"]
    assert line.awsError == "DeadlineExceeded: the invocation has no time left for a call"  # type: ignore[attr-defined]
    send(lambda _: Response(200, {}))
    assert deadline.call_with_deadline(1, lambda: "unbounded again") == "unbounded again"


def test_a_problem_has_its_own_type_and_members(send: Send) -> None:
    members = {"type": "https://shop.example/out-of-stock", "title": "Out of stock", "left": 3}
    body = json.loads(send(_raising(Problem(409, "Only three.", members=members)))["body"])
    assert body == {**members, "status": 409, "detail": "Only three.", "requestId": ""}


@pytest.mark.parametrize("name", ("WWW-Authenticate", "connection", "Date"))
def test_a_header_that_api_gateway_does_not_pass_on_is_a_500(
    send: Send, records: list[logging.LogRecord], name: str
) -> None:
    assert send(_raising(Problem(401, "Who?", headers={name: "x"})))["statusCode"] == 500
    assert f"{name}: API Gateway reserves it; choose" in str(records[0].exc_info)


@pytest.mark.parametrize(
    ("key", "name"),
    (("a1", "tenant-01"), ("b2", "tenant-01"), ("c3", "shop"), ("3", ""), ("", ""), (".*", "")),
)
def test_a_request_names_the_caller_of_its_key(send: Send, key: str, name: str) -> None:
    seen: list[str] = []

    def handle(request: Request[Any]) -> Response:
        seen.append(request.api_key_name)
        return Response(200, {})

    variables = {"keys0": "a1=tenant-01,b2=tenant-01", "keys10": "c3=shop", "other": "x"}
    send(handle, requestContext={"identity": {"apiKeyId": key}}, stageVariables=variables)
    send(handle, requestContext={"identity": {"apiKeyId": key}}, stageVariables=None)
    assert seen == [name, ""]
