"""The hook `customize_response` changes each response of the function."""

import json
import logging
from typing import Any

import pytest

from function.declare.endpoint import Request, Response
from tests.fixtures import notes
from tests.fixtures.notes import api_handler

ADDED = {"X-Team": "orders"}


def _add_team(response: Response, request: Request[Any] | None) -> Response:
    assert request and request.ip == "192.0.2.1"
    body = {**response.body, "team": "orders"}
    return response._replace(headers={**response.headers, **ADDED}, body=body)


@pytest.mark.parametrize("method", ("GET", "PUT"))
def test_the_hook_adds_a_header_and_a_member(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    sent = {"httpMethod": method}
    before = notes.call(notes.endpoint(), **sent)
    monkeypatch.setattr(api_handler, "customize_response", _add_team)
    after = notes.call(notes.endpoint(), **sent)
    assert after["statusCode"] == before["statusCode"] == (200 if method == "GET" else 405)
    assert after["headers"] == {**before["headers"], **ADDED}
    assert json.loads(after["body"]) == {**json.loads(before["body"]), "team": "orders"}


def test_a_hook_that_raises_is_logged_and_answered_with_500(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> Response:
        raise RuntimeError("the hook's mistake")

    monkeypatch.setattr(api_handler, "customize_response", fail)
    with notes.written_to(caplog.handler):
        answer = notes.call(notes.endpoint())
    assert answer["statusCode"] == json.loads(answer["body"])["status"] == 500
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    assert "the hook's mistake" not in answer["body"]
    (logged,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "the hook's mistake" in str(logged.exc_info)
