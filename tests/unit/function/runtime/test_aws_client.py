"""Error responses of AWS: which ones are temporary, and the client's response to each."""

import json
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from function.declare.permission import ACTIONS
from function.runtime import aws_client
from tests.fixtures import notes
from tests.fixtures.notes import api_handler

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
    model = boto3.client("dynamodb", region_name="eu-central-1").meta.service_model
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
        assert aws_client._is_retryable("dynamodb", {"Error": {"Code": code}}) == (status == 503), (
            code
        )


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
    assert aws_client._is_retryable("dynamodb", cancelled) == passing


def _answer(code: str, status: int, **more: Any) -> dict[str, Any]:
    """Return the response to POST /notes if DynamoDB answers with this error."""
    with notes.served(), notes.own_client():
        with Stubber(aws_client._client("dynamodb")) as dynamodb:
            dynamodb.add_client_error(
                "put_item", code, "arn:secret", http_status_code=status, modeled_fields=more
            )
            return api_handler.handler(notes.event(), notes.CONTEXT)


@pytest.mark.parametrize(
    ("code", "status", "answer"),
    (
        ("ThrottlingException", 400, 503),
        ("ProvisionedThroughputExceededException", 400, 503),
        ("ExpiredTokenException", 400, 503),
        ("InternalServerError", 500, 503),
        ("AccessDeniedException", 400, 500),
        ("ResourceNotFoundException", 400, 500),
        ("ConditionalCheckFailedException", 400, 503),  # the endpoint's, without an item
    ),
)
def test_a_temporary_error_is_503_and_any_other_500_without_details(
    code: str, status: int, answer: int
) -> None:
    response = _answer(code, status)
    assert response["statusCode"] == json.loads(response["body"])["status"] == answer
    assert response["headers"].get("Retry-After") == ("1" if answer == 503 else None)
    assert "secret" not in response["body"]


def test_a_failed_condition_brings_the_stored_item() -> None:
    stored = {"id": {"S": "a"}, "token": {"S": "b"}, "ip": {"S": "192.0.2.9"}}
    response = _answer("ConditionalCheckFailedException", 400, Item=stored)
    assert response["statusCode"] == 201 and response["headers"]["Note-Repeated"] == "true"
