"""The fixture for a running stack."""

import json
from pathlib import Path
from typing import Any

import pytest

from local import local_stack
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


def test_a_text_is_sent_as_it_is_and_another_body_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Any] = []

    class Http:
        """Keeps requests."""

        def request(self, *_: Any, **sent: Any) -> Any:
            """Keep a request; end the call."""
            found.append(sent)
            raise TimeoutError

    monkeypatch.setattr(local_stack, "HTTP", Http())
    for body in ("a=b", {"a": "b"}):
        with pytest.raises(TimeoutError):
            RunningStack(OUTPUTS).call("POST", "/", body=body)
    assert [each["body"] for each in found] == ["a=b", b'{"a":"b"}']
    assert [each["headers"].get("Content-Type") for each in found] == [None, "application/json"]
