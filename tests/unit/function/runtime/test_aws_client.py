"""Calls of DynamoDB: faults of the storage, lost responses, credentials and connections."""

# pylint: disable=protected-access

import json
import socket
from collections.abc import Mapping

import boto3
import pytest

from function.declare import limits
from function.declare.permission import ACTIONS
from function.runtime import aws_client
from tests.fixtures import notes
from tests.fixtures.notes import api_handler
from tests.unit.function.runtime.conftest import Failing
from tools.reliability import fake_dynamodb

pytestmark = pytest.mark.usefixtures("service")


@pytest.mark.parametrize("fault", ("throttled", "over capacity", "broken", "expired", "no item"))
def test_an_unavailable_table_is_503_with_retry_after(failing: Failing, fault: str) -> None:
    with failing(fault, fault) as items:
        answer = api_handler.handler(notes.event(), notes.CONTEXT)
    assert answer["statusCode"] == 503 and answer["headers"]["Retry-After"] == "1"
    assert not items and fake_dynamodb.SECRET not in answer["body"]


def test_a_storage_that_refuses_connections_is_503(monkeypatch: pytest.MonkeyPatch) -> None:
    with notes.own_client(), socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
        answer = api_handler.handler(notes.event(), notes.CONTEXT)
    assert answer["statusCode"] == 503 and answer["headers"]["Retry-After"] == "1"


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
        signed.append(headers["Authorization"].partition("Credential=")[2].partition("/")[0])
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
        assert aws_client._is_retryable({"Error": {"Code": code}}) == (status == 503), code


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
    assert aws_client._is_retryable(cancelled) == passing


def test_a_denied_call_is_a_500_without_details(failing: Failing) -> None:
    with failing("denied"):
        answer = api_handler.handler(notes.event(), notes.CONTEXT)
    assert answer["statusCode"] == 500 and fake_dynamodb.SECRET not in answer["body"]
