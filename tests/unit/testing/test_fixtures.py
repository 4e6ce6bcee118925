"""The fixture for a running stack."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jwt
import pytest

from local import issuer, local_stack, stack_files
from testing import fixtures, running
from testing.running import RunningStack

OUTPUTS = {"api_url": "https://api.example/stage", "default_api_key": "the-key"}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the requests that are sent."""
    found: list[Any] = []
    monkeypatch.setattr(running, "send", lambda *request: found.append(request))
    return found


def test_a_deployed_stack_is_called_with_the_key_of_its_outputs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sent: list[Any]
) -> None:
    (tmp_path / "outputs.json").write_text(json.dumps(OUTPUTS))
    monkeypatch.setenv("OUTPUTS", str(tmp_path / "outputs.json"))
    (stack,) = fixtures.running.__wrapped__()
    stack.call("GET", "/notes?x=1", headers={"Note-Id": "1"})
    stack.call("GET", "/notes", api_key="")
    assert sent == [
        (
            "GET",
            "https://api.example/stage/notes?x=1",
            {"x-api-key": "the-key", "Note-Id": "1"},
            None,
        ),
        ("GET", "https://api.example/stage/notes", {"x-api-key": ""}, None),
    ]


def test_a_token_is_sent_as_a_bearer(sent: list[Any]) -> None:
    stack = RunningStack(OUTPUTS, lambda auth, **claims: f"{auth}-{claims['scope']}")
    stack.call("GET", "/me", api_key="", token=stack.token("jwt", scope="read"))
    assert sent[0][2] == {"x-api-key": "", "Authorization": "Bearer jwt-read"}


def test_a_test_waits_for_the_effect_of_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_stack.time, "sleep", lambda _: None)
    stack, read = RunningStack(OUTPUTS, str), iter(([], ["shipped"]))
    assert stack.wait_for(lambda: next(read)) == ["shipped"]
    with pytest.raises(TimeoutError, match="no such effect within 0 s"):
        stack.wait_for(list, timeout_s=0)


def test_the_test_issuer_signs_for_a_local_stack_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    known = {"key": "pem", "claims": {"jwt": {"aud": "shop"}}}
    (tmp_path / ".local").mkdir()
    outputs, file = tmp_path / ".local" / "outputs.json", tmp_path / ".local" / "issuer.json"
    outputs.write_text(json.dumps(OUTPUTS))
    file.write_text(json.dumps(known))
    monkeypatch.setattr(stack_files, "ROOT", tmp_path)
    monkeypatch.setattr(issuer, "FILE", file)
    monkeypatch.setattr(jwt, "encode", lambda claims, key, *_, **__: f"{key} {claims['aud']}")
    monkeypatch.delenv("OUTPUTS", raising=False)
    (stack,) = fixtures.running.__wrapped__()
    assert stack.token("jwt") == "pem shop"
    monkeypatch.setenv("OUTPUTS", str(outputs))
    (stack,) = fixtures.running.__wrapped__()
    with pytest.raises(pytest.skip.Exception, match="test issuer"):
        stack.token("jwt")


def test_a_text_is_sent_as_it_is_and_another_body_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Any] = []
    reply = SimpleNamespace(status=200, headers={}, data=b"")
    http = SimpleNamespace(request=lambda *_, **sent: found.append(sent) or reply)
    monkeypatch.setattr(local_stack, "HTTP", http)
    for body in ("a=b", {"a": "b"}):
        RunningStack(OUTPUTS, str).call("POST", "/", body=body)
    assert [each["body"] for each in found] == ["a=b", b'{"a":"b"}']
    assert [each["headers"].get("Content-Type") for each in found] == [None, "application/json"]
