"""The hook `customize_response` changes each response of the function."""

import json
from typing import Any

import pytest

from function.declare.endpoint import Endpoint, Request, Response
from function.runtime import api_handler

ENDPOINT = Endpoint(
    method="GET",
    path="/note",
    summary="Read a note.",
    handle=lambda _: Response(status=200, body={"text": "hello"}),
    responses={200: {"title": "Note", "type": "object"}},
)


@pytest.fixture(autouse=True)
def note(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make ENDPOINT the only route."""
    monkeypatch.setattr(api_handler, "_ROUTES", {ENDPOINT.route: ENDPOINT})


def _call(method: str = "GET") -> tuple[int, dict[str, str], dict[str, Any]]:
    event = {
        "httpMethod": method,
        "resource": "/note",
        "requestContext": {"requestId": "request", "identity": {"sourceIp": "192.0.2.1"}},
    }
    response = api_handler.handler(event, None)
    return response["statusCode"], response["headers"], json.loads(response["body"])


def _add_team(response: Response, request: Request[Any] | None) -> Response:
    assert request and request.ip == "192.0.2.1"
    return response._replace(
        headers={**response.headers, "X-Team": "orders"}, body={**response.body, "team": "orders"}
    )


@pytest.mark.parametrize(
    ("method", "status", "media_type"),
    [("GET", 200, "application/json"), ("PUT", 405, "application/problem+json")],
)
def test_the_hook_adds_a_header_and_a_member(
    monkeypatch: pytest.MonkeyPatch, method: str, status: int, media_type: str
) -> None:
    monkeypatch.setattr(api_handler, "customize_response", lambda response, _: response)
    _, headers, body = _call(method)
    monkeypatch.setattr(api_handler, "customize_response", _add_team)
    expected = (
        status,
        {**headers, "X-Team": "orders"},
        {**body, "team": "orders"},
    )
    assert _call(method) == expected
    assert headers["Content-Type"] == media_type


def test_a_hook_that_raises_is_logged_and_answered_with_500(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> Response:
        raise RuntimeError("the hook's mistake")

    monkeypatch.setattr(api_handler, "customize_response", fail)
    status, headers, body = _call()
    assert (status, body["status"]) == (500, 500)
    assert headers["Content-Type"] == "application/problem+json"
    assert "the hook's mistake" not in json.dumps(body)
    logged = [str(record.exc_info[1]) for record in caplog.records if record.exc_info]
    assert logged == ["the hook's mistake"]
