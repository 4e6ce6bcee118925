"""Requests and responses: routing, headers, proxies, problem documents and invalid responses."""

import json
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from function.declare.endpoint import Request, Response
from function.declare.problem import Problem
from function.declare.schema import Raw
from tests.fixtures import notes
from tests.fixtures.notes import api_handler

pytestmark = pytest.mark.usefixtures("service")


def _echo(field: str) -> Any:
    """Return an endpoint that responds with a field of its request."""
    return notes.endpoint(handle=lambda request: Response(200, {"seen": getattr(request, field)}))


def test_a_path_parameter_is_what_the_caller_means() -> None:
    """API Gateway passes the path on as it is in the URL."""
    answer = notes.call(_echo("path_parameters"), pathParameters={"id": "a%2Fb%25+"})
    assert json.loads(answer["body"]) == {"seen": {"id": "a/b%+"}}


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    (
        ("0", "203.0.113.9, 192.0.2.1", "192.0.2.1"),
        ("1", "203.0.113.9, 192.0.2.1", "203.0.113.9"),
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
def test_only_declared_proxies_are_believed(
    monkeypatch: pytest.MonkeyPatch, proxies: str, forwarded: str, address: str
) -> None:
    monkeypatch.setenv("TRUSTED_PROXY_COUNT", proxies)
    answer = notes.call(notes.endpoint(), headers={"X-Forwarded-For": forwarded})
    assert json.loads(answer["body"])["ip"] == address


@pytest.mark.parametrize("address", ("", "test-invoke-source-ip"))
def test_a_source_that_is_no_address_is_empty(address: str) -> None:
    answer = notes.call(
        notes.endpoint(), requestContext={"identity": {"sourceIp": address, "apiKeyId": "caller"}}
    )
    assert json.loads(answer["body"]) == {"ip": ""}


def test_repeated_headers_reach_the_endpoint_as_one_list() -> None:
    sent = {"headers": {"Note-Id": "b"}, "multiValueHeaders": {"Note-Id": ["a"], "note-id": ["b"]}}
    answer = notes.call(_echo("headers"), **sent)
    assert json.loads(answer["body"]) == {"seen": {"note-id": "a, b"}}


def test_an_unknown_route_is_a_404_problem_and_another_method_a_405() -> None:
    answer = api_handler.handler(notes.event() | {"httpMethod": "PUT"}, notes.CONTEXT)
    assert answer["statusCode"] == 405 and answer["headers"]["Allow"] == "POST"
    answer = api_handler.handler(notes.event() | {"resource": "/others"}, notes.CONTEXT)
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    assert json.loads(answer["body"]) == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "Unknown route.",
        "requestId": "request",
    }


@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    (
        (("https://shop.example",), "https://shop.example", "https://shop.example"),
        (("https://shop.example",), "https://other.example", None),
        (("*",), "https://other.example", "*"),
        ((), "https://shop.example", None),
    ),
)
def test_only_pages_of_declared_origins_may_read_a_response(
    monkeypatch: pytest.MonkeyPatch, origins: tuple[str, ...], origin: str, allowed: str | None
) -> None:
    monkeypatch.setattr(api_handler, "_CORS_ORIGINS", {"/notes/{id}": origins})
    headers = notes.call(notes.endpoint(), headers={"Origin": origin})["headers"]
    assert headers.get("Access-Control-Allow-Origin") == allowed
    assert headers.get("Vary") == ("Origin" if origins else None)


def _raise(error: BaseException) -> Any:
    raise error


CIRCLE: dict[str, Any] = {}
CIRCLE["self"] = CIRCLE
FATAL = (SystemExit(0), KeyboardInterrupt(), GeneratorExit(), MemoryError(), RecursionError())
NO_OBJECT: Any = ([1], "text", {"a": [Decimal(1), math.inf]})


@pytest.mark.parametrize(
    "handle",
    (
        lambda _: None,
        lambda _: Response(status=200, body={"a": math.nan}),
        lambda _: Response(status=200, body={"a": object()}),
        lambda _: Response(status=200, body=CIRCLE),
        *(lambda _, body=body: Response(200, body) for body in NO_OBJECT),  # type: ignore[misc]
        lambda _: Response(status=999, body={}),
        lambda _: Response(status=200, body={}, headers={"A": "b\r\nSet-Cookie: c"}),
        lambda _: Response(status=200, body={}, headers={"A: b\r\nC": "d"}),
        lambda _: Response(status=200, body={}, headers={"A": 1}),  # type: ignore[dict-item]
        lambda _: _raise(Problem(200, "well")),
        lambda _: _raise(Problem(418_000, "what")),
        lambda _: _raise(Problem(400, "no", headers={"A": "b\nc"})),
        *(lambda _, error=error: _raise(error) for error in FATAL),  # type: ignore[misc]
        lambda _: {"status": 200},
        lambda request: request.nothing,
    ),
)
def test_an_invalid_response_of_an_endpoint_is_a_500_without_details(
    handle: Callable[[Request], Response],
) -> None:
    answers: list[dict[str, Any]] = []
    failure, line = notes.lines(lambda: answers.append(notes.call(notes.endpoint(handle=handle))))
    body = json.loads(answers[0]["body"])
    assert answers[0]["statusCode"] == body["status"] == 500
    assert body["detail"] == "The request could not be handled."
    assert failure["route"] == line["route"] == "GET /notes/{id}" and failure["stackTrace"]
    assert line["outcome"] == "failed"


def test_an_answer_without_a_body_has_none() -> None:
    gone = notes.endpoint(handle=lambda _: Response(status=204, body=None), responses={204: None})
    assert notes.call(gone) == {"statusCode": 204, "headers": {}, "body": ""}


@pytest.mark.parametrize(
    ("declared", "body", "headers", "expected"),
    (
        (Raw("text/csv"), "a,ü", {}, ("text/csv; charset=utf-8", "a,ü", False)),
        (Raw("text/csv"), "a,ü".encode(), {}, ("text/csv; charset=utf-8", "a,ü", False)),
        (Raw("image/png"), b"\x89PNG", {}, ("image/png", "iVBORw==", True)),
        (Raw("image/*"), b"\xff", {"content-type": "image/gif"}, ("image/gif", "/w==", True)),
        (list[int], [1, 2], {}, ("application/json", "[1, 2]", False)),
        ({"type": "array", "title": "All"}, [], {}, ("application/json", "[]", False)),
    ),
)
def test_a_response_has_its_declared_form(
    declared: Any, body: Any, headers: dict[str, str], expected: tuple[str, str, bool]
) -> None:
    endpoint = notes.endpoint(
        handle=lambda _: Response(200, body, headers), responses={200: declared}
    )
    answer = notes.call(endpoint)
    (kind,) = answer["headers"].values()
    assert (kind, answer["body"], answer.get("isBase64Encoded", False)) == expected


@pytest.mark.parametrize(
    ("declared", "body"),
    (
        (Raw("text/csv"), {"a": 1}),
        (Raw("text/csv"), b"\xff"),
        (Raw("image/*"), b"\xff"),
        (list[int], {"a": 1}),
        ({"type": "object"}, [1]),
    ),
)
def test_a_response_of_another_form_is_a_500(declared: Any, body: Any) -> None:
    endpoint = notes.endpoint(handle=lambda _: Response(200, body), responses={200: declared})
    assert notes.call(endpoint)["statusCode"] == 500


def test_a_problem_of_an_endpoint_with_raw_responses_is_json() -> None:
    endpoint = notes.endpoint(
        handle=lambda _: _raise(Problem(409, "taken")), responses={200: Raw("image/png")}
    )
    answer = notes.call(endpoint)
    assert json.loads(answer["body"])["status"] == 409 and "isBase64Encoded" not in answer


TEXT = st.text(max_size=40)
MAPPING = st.none() | st.dictionaries(TEXT, TEXT, max_size=3)
NAMES = st.sampled_from(["Note-Id", "note-id", "X-Forwarded-For", "x-api-key"]) | TEXT
# The shape of API Gateway's events, with any text of a client.
EVENTS = st.fixed_dictionaries(
    {"httpMethod": st.just("POST") | TEXT, "resource": st.just("/notes") | TEXT},
    optional={
        "headers": st.none() | st.dictionaries(NAMES, TEXT, max_size=5),
        "multiValueHeaders": st.dictionaries(NAMES, st.lists(TEXT, min_size=1), max_size=5),
        "body": st.none() | TEXT,
        "pathParameters": MAPPING,
        "queryStringParameters": MAPPING,
        "stageVariables": MAPPING,
        "requestContext": st.fixed_dictionaries(
            {
                "requestId": TEXT,
                "identity": st.fixed_dictionaries({"sourceIp": TEXT, "apiKeyId": st.none() | TEXT}),
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
    answer = api_handler.handler(sent, notes.CONTEXT)
    assert set(answer) == {"statusCode", "headers", "body"}
    body = json.loads(answer["body"])
    if answer["statusCode"] == 201:
        assert set(body) == {"id", "ip"}
    else:
        assert answer["statusCode"] in {400, 404, 405, 500, 503}
        assert set(body) == {"type", "title", "status", "detail", "requestId"}
        assert answer["headers"]["Content-Type"] == "application/problem+json"
    for value in answer["headers"].values():
        assert isinstance(value, str) and value.isascii() and value.isprintable()


def test_an_endpoint_never_sees_the_api_key() -> None:
    answer = notes.call(_echo("headers"), headers={"X-API-Key": "the-secret", "Other": "told"})
    assert json.loads(answer["body"]) == {"seen": {"other": "told"}}
