"""A DynamoDB with faults: lost responses, forged ones, expired credentials and closed ports."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from function.declare import limits
from function.runtime import aws_client
from tests.fixtures import notes
from tests.fixtures.notes import api_handler
from tools.reliability import fake_dynamodb

pytestmark = [pytest.mark.socket, pytest.mark.usefixtures("service")]

Failing = Callable[..., AbstractContextManager[dict[str, Any]]]


@pytest.fixture
def service() -> Iterator[None]:
    """Make POST /notes the only route."""
    with notes.served():
        yield


@pytest.fixture(params=("no connection", "a connection"))
def failing(
    service: None, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Failing:
    """Return a function that runs a DynamoDB with faults in its first responses; it yields items.

    The function's client has, or has not, an open connection to it.
    """

    @contextmanager
    def run(*faults: str) -> Iterator[dict[str, Any]]:
        # Long enough for an immediate response on a busy machine.
        monkeypatch.setattr(limits, "READ_TIMEOUT_S", 1 if "slow" in faults else 5)
        items = fake_dynamodb.Table()
        with fake_dynamodb.storage(items, *faults, delay_s=1.5) as server:
            monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
            with notes.own_client():
                if request.param == "a connection":
                    aws_client.warm_up()
                    assert server.checks
                yield items.items

    return run


@pytest.mark.parametrize("fault", ("throttled", "over capacity", "broken", "expired", "no item"))
def test_an_unavailable_table_is_503_with_retry_after(failing: Failing, fault: str) -> None:
    with failing(fault, fault) as items:
        answer = api_handler.handler(notes.event(), notes.CONTEXT)
    assert answer["statusCode"] == 503 and answer["headers"]["Retry-After"] == "1"
    assert not items and fake_dynamodb.SECRET not in answer["body"]


@pytest.mark.parametrize("fault", ("drop", "slow"))
@pytest.mark.parametrize("headers", ({}, {"Note-Id": "one"}))
def test_a_write_whose_answer_is_lost_is_one_record_and_no_repeat(
    failing: Failing, headers: dict[str, str], fault: str
) -> None:
    with failing(fault) as items:
        answer = api_handler.handler(notes.event(headers), notes.CONTEXT)
    assert answer["statusCode"] == 201 and "Note-Repeated" not in answer["headers"]
    assert list(items) == [json.loads(answer["body"])["id"]]


@pytest.mark.parametrize("fault", ("drop", "slow"))
def test_after_503_a_repeat_gets_the_record_that_was_written(failing: Failing, fault: str) -> None:
    with failing(fault, fault) as items:
        first = api_handler.handler(notes.event({"Note-Id": "one"}), notes.CONTEXT)
        again = api_handler.handler(notes.event({"Note-Id": "one"}), notes.CONTEXT)
    assert (first["statusCode"], again["statusCode"]) == (503, 201)
    assert again["headers"]["Note-Repeated"] == "true" and len(items) == 1


@pytest.mark.parametrize("fault", (*fake_dynamodb.FORGERIES, "drip"))
def test_a_success_that_is_not_dynamodbs_is_503(
    monkeypatch: pytest.MonkeyPatch, fault: str, failing: Failing
) -> None:
    with failing(fault):
        with monkeypatch.context() as patched:
            patched.setattr(
                limits, "CALL_DEADLINE_S", 0.5 if fault == "drip" else limits.CALL_DEADLINE_S
            )
            answer = api_handler.handler(notes.event(), notes.CONTEXT)
        assert answer["statusCode"] == 503 and answer["headers"]["Retry-After"] == "1"
        # The fault does not last: the next call has its own connection and thread.
        assert api_handler.handler(notes.event(), notes.CONTEXT)["statusCode"] == 201


@pytest.mark.parametrize("fault", fake_dynamodb.FORGERIES)
def test_a_refusal_that_is_not_dynamodbs_is_503(failing: Failing, fault: str) -> None:
    with failing("", fault):
        first, again = (
            api_handler.handler(notes.event({"Note-Id": "one"}), notes.CONTEXT) for _ in range(2)
        )
    assert first["statusCode"] == 201
    assert again["statusCode"] == 503 and again["headers"]["Retry-After"] == "1"


@pytest.mark.parametrize(("start", "checks"), (("on-demand", 1), ("snap-start", 0)))
def test_the_first_call_takes_the_connection_that_the_start_has_opened(
    monkeypatch: pytest.MonkeyPatch, start: str, checks: int
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", start)
    with fake_dynamodb.storage(fake_dynamodb.Table()) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
        with notes.own_client():
            aws_client.warm_up()
            assert len(server.checks) == checks, "the client's HTTP session is somewhere else now"
            assert not server.calls
            assert api_handler.handler(notes.event(), notes.CONTEXT)["statusCode"] == 201
            aws_client._client("dynamodb").close()
    assert len(server.calls) == 1 and server.checks in ([], server.calls)


def test_the_function_starts_without_dynamodb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")
    with notes.own_client():
        aws_client.warm_up()


def test_expired_credentials_are_read_anew(
    monkeypatch: pytest.MonkeyPatch, failing: Failing
) -> None:
    with failing("expired"):
        assert api_handler.handler(notes.event(), notes.CONTEXT)["statusCode"] == 503
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "renewed")
        assert api_handler.handler(notes.event(), notes.CONTEXT)["statusCode"] == 201
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
        signed.append(headers["authorization"].partition("Credential=")[2].partition("/")[0])
        return table(headers, body)

    with fake_dynamodb.storage(apply) as server, notes.own_client():
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.url)
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "of-the-start")
        aws_client.warm_up()
        for token in ("of-the-restore", "renewed"):
            monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", token)
            assert api_handler.handler(notes.event(), notes.CONTEXT)["statusCode"] == 201
        aws_client._client("dynamodb").close()
    assert signed == ["of-the-restore", "renewed"]
