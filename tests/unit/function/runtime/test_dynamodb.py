"""Every item operation that an endpoint may declare works, and says what it left undone."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from function.declare.problem import Problem
from function.declare.table import Table
from function.runtime import aws_client, dynamodb, telemetry
from tests.fixtures import notes

THINGS = Table("things", "key")
NAME = "stack-things"


@pytest.fixture(autouse=True, name="table")
def _table() -> Iterator[Any]:
    """Return a function that reads the keys in a table with an item `a`."""
    with (
        notes.credentials(**{THINGS.env_var: NAME}),
        notes.table_in_moto(THINGS._replace(name=NAME)) as items,
    ):
        boto3.client("dynamodb").put_item(TableName=NAME, Item=_item("a"))
        yield lambda: {item["key"]["S"] for item in items()}


def _item(key: str) -> dict[str, Any]:
    return {"key": {"S": key}}


def _put(key: str, **condition: str) -> dict[str, Any]:
    return {"Put": {"TableName": NAME, "Item": _item(key), **condition}}


A = _item("a")
SELECT = {"Statement": f"SELECT * FROM \"{NAME}\" WHERE key = 'a'"}
QUERY = {
    "KeyConditionExpression": "#k = :k",
    "ExpressionAttributeNames": {"#k": "key"},
    "ExpressionAttributeValues": {":k": {"S": "a"}},
}
KEYS = {NAME: {"Keys": [A, _item("none")]}}
GET = {"Get": {"TableName": NAME, "Key": A}}
UPDATE = {
    "Key": _item("b"),
    "UpdateExpression": "SET n = :n",
    "ExpressionAttributeValues": {":n": {"N": "1"}},
}
WRITES = {NAME: [{"PutRequest": {"Item": _item("b")}}, {"DeleteRequest": {"Key": A}}]}


@pytest.mark.parametrize(
    ("operation", "request_", "read"),
    (
        ("get_item", {"Key": A}, lambda found: [found["Item"]]),
        ("scan", {}, lambda found: found["Items"]),
        ("query", QUERY, lambda found: found["Items"]),
        ("batch_get_item", {"RequestItems": KEYS}, lambda found: found["Responses"][NAME]),
        (
            "transact_get_items",
            {"TransactItems": [GET]},
            lambda found: [one["Item"] for one in found["Responses"]],
        ),
    ),
)
def test_an_operation_reads(
    operation: str, request_: dict[str, Any], read: Callable[[Any], Any]
) -> None:
    assert read(dynamodb.call(operation, THINGS, **request_)) == [A]


@pytest.mark.parametrize(
    ("operation", "request_", "left"),
    (
        ("put_item", {"Item": _item("b")}, {"a", "b"}),
        ("delete_item", {"Key": A}, set()),
        ("update_item", UPDATE, {"a", "b"}),
        ("batch_write_item", {"RequestItems": WRITES}, {"b"}),
        ("transact_write_items", {"TransactItems": [_put("b"), _put("c")]}, {"a", "b", "c"}),
    ),
)
def test_an_operation_writes(
    table: Any, operation: str, request_: dict[str, Any], left: set[str]
) -> None:
    dynamodb.call(operation, THINGS, **request_)
    assert table() == left


@pytest.mark.parametrize(
    ("operation", "request_", "response"),
    (
        ("execute_statement", SELECT, {"Items": [A]}),
        ("execute_transaction", {"TransactStatements": [SELECT]}, {"Responses": [{"Item": A}]}),
        ("batch_execute_statement", {"Statements": [SELECT]}, {"Responses": [{"Item": A}]}),
    ),
)
def test_partiql_names_its_table_in_the_statement(
    operation: str, request_: dict[str, Any], response: dict[str, Any]
) -> None:
    with Stubber(aws_client._client("dynamodb")) as stubber:  # moto lacks the parser
        stubber.add_response(operation, response, request_)
        assert dynamodb.call(operation, THINGS, **request_) == response


def test_a_failed_condition_of_a_transaction_is_a_failed_condition(table: Any) -> None:
    absent = {
        "ConditionExpression": "attribute_not_exists(#k)",
        "ExpressionAttributeNames": {"#k": "key"},
    }
    transaction = [_put("b"), _put("a", **absent)]  # type: ignore[arg-type]
    with pytest.raises(aws_client.ConditionFailed):
        dynamodb.call("transact_write_items", THINGS, TransactItems=transaction)
    assert table() == {"a"}


@pytest.fixture(name="replies")
def _replies(monkeypatch: pytest.MonkeyPatch) -> tuple[list[Any], list[Any]]:
    """Return the responses that DynamoDB gives, and the requests that it gets."""
    replies: list[Any] = []
    requests: list[Any] = []

    def send(_: str, operation: str, __: Any, request: Any) -> Any:
        del operation
        requests.append(request)
        return replies.pop(0)

    monkeypatch.setattr(aws_client, "send", send)
    monkeypatch.setattr(dynamodb.time, "sleep", lambda _: None)
    return replies, requests


def test_unprocessed_items_are_sent_again(replies: tuple[list[Any], list[Any]]) -> None:
    left, (given, sent) = {NAME: [{"DeleteRequest": {"Key": A}}]}, replies
    given += [{"UnprocessedItems": left}, {"UnprocessedItems": left}, {"UnprocessedItems": {}}]
    all_items = {NAME: [*left[NAME], {"DeleteRequest": {"Key": _item("b")}}]}
    response = dynamodb.call("batch_write_item", THINGS, RequestItems=all_items)
    assert [request["RequestItems"] for request in sent] == [all_items, left, left]
    assert response == {"UnprocessedItems": {}}


def test_unprocessed_keys_are_read_again(replies: tuple[list[Any], list[Any]]) -> None:
    given, sent = replies
    left = {NAME: {"Keys": [_item("b")]}, "other": {"Keys": [_item("c")]}}
    given += [
        {"Responses": {NAME: [A]}, "UnprocessedKeys": left},
        {"Responses": {NAME: [_item("b")], "other": [_item("c")]}, "UnprocessedKeys": {}},
    ]
    response = dynamodb.call(
        "batch_get_item", THINGS, RequestItems={NAME: {}}, ReturnConsumedCapacity="NONE"
    )
    assert response["Responses"] == {NAME: [A, _item("b")], "other": [_item("c")]}
    assert sent[1] == {"RequestItems": left, "ReturnConsumedCapacity": "NONE"}


@pytest.mark.parametrize(
    ("operation", "left"),
    (("batch_write_item", "UnprocessedItems"), ("batch_get_item", "UnprocessedKeys")),
)
def test_a_batch_that_stays_unfinished_is_a_503(
    replies: tuple[list[Any], list[Any]], operation: str, left: str
) -> None:
    replies[0].extend([{"Responses": {}, left: {NAME: {}}} for _ in range(9)])
    with telemetry.trace("GET /it") as span, pytest.raises(Problem) as problem:
        dynamodb.call(operation, THINGS, RequestItems={})
    assert problem.value.status == 503 and len(replies[1]) == 5
    assert span.aws_error == f"{left} after 5 attempts"


@pytest.mark.parametrize(
    ("code", "expected"),
    (
        ("ConditionalCheckFailed", aws_client.ConditionFailed),
        ("ThrottlingError", Problem),
        ("ProvisionedThroughputExceeded", Problem),
        ("ValidationError", ClientError),
        ("AccessDenied", ClientError),
    ),
)
def test_the_error_of_a_statement_is_raised(
    replies: tuple[list[Any], list[Any]], code: str, expected: type[Exception]
) -> None:
    error = {"Code": code, "Message": "no", "Item": A}
    responses = [{"Item": A}, {"Error": error}]
    replies[0].append({"Responses": responses, "ResponseMetadata": {}})
    with pytest.raises(expected) as raised:
        dynamodb.call("batch_execute_statement", THINGS, Statements=[])
    if isinstance(raised.value, aws_client.ConditionFailed):
        assert raised.value.item == A
    if isinstance(raised.value, ClientError):
        assert raised.value.response["Responses"] == responses  # type: ignore[typeddict-item]
