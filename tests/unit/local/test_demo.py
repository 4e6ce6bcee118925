"""The command of `make demo`."""

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from function.declare.auth import CustomAuth
from function.declare.endpoint import Endpoint, Response, SampleRequest
from local import demo, local_stack
from local.deployment import DeployError
from local.local_stack import Reply

ENDPOINT = Endpoint(
    method="GET",
    path="/status",
    summary="Report.",
    handle=lambda _: Response(status=204, body=None),
    responses={204: None},
    sample=SampleRequest(),
)


def test_a_failed_sample_shows_the_log_line_with_its_cause(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [{"message": "no request"}, {"traceId": "1", "awsError": "not authorized"}]
    stack: Any = SimpleNamespace(
        call=lambda: Reply(status=500, body="{}"),
        outputs={"sample_url": "http://127.0.0.1/status"},
        log_lines=lambda: lines,
        emulator=SimpleNamespace(failures=lambda: ["worker lost"]),
    )
    monkeypatch.setattr(demo, "load_endpoints", lambda: (ENDPOINT,))
    monkeypatch.setattr(local_stack, "up", lambda *_, **__: nullcontext(stack))
    with pytest.raises(DeployError, match=r"^GET /status returned 500, not 204\. worker lost$"):
        demo.demo("some", None)
    assert 'Log line\n  {"traceId": "1", "awsError": "not authorized"}' in capsys.readouterr().out


def test_without_a_sample_the_demo_says_how_to_add_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = SimpleNamespace(outputs={"api_url": "http://127.0.0.1"})
    monkeypatch.setattr(demo, "load_endpoints", lambda: (ENDPOINT._replace(sample=None),))
    monkeypatch.setattr(local_stack, "up", lambda *_, **__: nullcontext(stack))
    demo.demo("some", None)
    said = capsys.readouterr().out
    assert "add sample=SampleRequest() to an ENDPOINT" in said and "\nStopped after" in said


def test_a_sample_for_credentials_that_only_you_have_is_not_sent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = SimpleNamespace(outputs={"api_url": "http://127.0.0.1"}, fixed_claims=dict)
    partners = ENDPOINT._replace(auth=CustomAuth("partner"))
    monkeypatch.setattr(demo, "load_endpoints", lambda: (partners,))
    monkeypatch.setattr(local_stack, "up", lambda *_, **__: nullcontext(stack))
    demo.demo("some", None)
    assert "No request sent: only you have credentials for GET /status." in capsys.readouterr().out
