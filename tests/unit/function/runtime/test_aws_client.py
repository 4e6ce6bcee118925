"""Error responses of AWS: which ones are temporary, and the client's response to each."""

import boto3
import pytest

from function.declare.permission import ACTIONS
from function.runtime import aws_client

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
