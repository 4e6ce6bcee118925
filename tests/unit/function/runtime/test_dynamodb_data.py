"""Data that DynamoDB cannot store is a client error; a page starts only where its list allows."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from function.declare.problem import Problem
from function.declare.table import Binary, Index, Number, Table
from function.runtime import aws_client, dynamodb
from tests.fixtures import notes

NOTES = Table(
    "posts",
    "author",
    Number("at"),
    indexes=(Index("by-topic", "topic", Number("at")), Index("by-digest", Binary("digest"))),
)
INDEX: dict[str, Any] = {"IndexName": "by-topic", "Limit": 2, "ScanIndexForward": False}


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    with notes.credentials(**{NOTES.env_var: "posts"}):
        yield


def _failing(code: str, message: str, status: int = 400, **response: Any) -> Stubber:
    stubber = Stubber(aws_client._client("dynamodb"))
    stubber.add_client_error(
        "put_item", code, message, http_status_code=status, modeled_fields=response or None
    )
    return stubber


INVALID = "One or more parameter values were invalid: "


@pytest.mark.parametrize(
    ("message", "status"),
    (
        ("Item size has exceeded the maximum allowed size", 413),
        ("Item size to update has exceeded the maximum allowed size", 413),
        (f"{INVALID}Size of hashkey has exceeded the maximum size limit of2048 bytes", 400),
        (f"{INVALID}Aggregated size of all range keys has exceeded the size limit of 1024 b", 400),
        (f"{INVALID}Size limit exceeded for Index Key c Actual Size: 43398 bytes Max Size:", 400),
        ("Number overflow. Attempting to store a number with magnitude larger than supp", 400),
        ("Number underflow. Attempting to store a number with magnitude smaller than su", 400),
        ("Attempting to store more than 38 significant digits in a Number", 400),
        ("The parameter cannot be converted to a numeric value: abc", 400),
        ("One or more parameter values are not valid. The AttributeValue for a key attribute "
         "cannot contain an empty string value. Key: author", 400),
        ("The provided starting key is outside query boundaries", 400),
        ("Nesting Levels have exceeded supported limits: Attributes in the item have nested", 400),
        (f"{INVALID}Input collection [a, a] contains duplicates.", 400),
        (f"{INVALID}An string set  may not be empty", 400),
    ),
)  # fmt: skip
def test_data_that_cannot_be_stored_is_a_client_error(message: str, status: int) -> None:
    with _failing("ValidationException", message), pytest.raises(Problem) as raised:
        dynamodb.call("put_item", NOTES, Item={})
    assert raised.value.status == status and message not in raised.value.detail


@pytest.mark.parametrize(
    "message",
    (
        f"{INVALID}Type mismatch for key author expected: S actual: N",
        f"{INVALID}Missing the key author in the item",
        "Invalid ConditionExpression: Syntax error; token: \"x\"",
        "The table does not have the specified index: by-day",
        "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
    ),
)  # fmt: skip
def test_a_mistake_of_the_code_stays_a_500(message: str) -> None:
    with _failing("ValidationException", message), pytest.raises(ClientError):
        dynamodb.call("put_item", NOTES, Item={})


def test_a_request_that_dynamodb_finds_too_large_is_no_503() -> None:
    with _failing("413", "", 413), pytest.raises(Problem) as raised:
        dynamodb.call("put_item", NOTES, Item={})
    assert raised.value.status == 413


def _canceled(*reasons: dict[str, Any]) -> Any:
    transaction: dict[str, Any] = {"TransactItems": []}
    with Stubber(aws_client._client("dynamodb")) as stubber:
        stubber.add_client_error(
            *("transact_write_items", "TransactionCanceledException", "Transaction cancelled"),
            modeled_fields={"CancellationReasons": list(reasons)},
        )
        dynamodb.call("transact_write_items", NOTES, **transaction)


NONE = {"Code": "None"}
CHECK = {"Code": "ConditionalCheckFailed", "Message": "no", "Item": {"author": {"S": "ada"}}}


def test_a_cancelled_transaction_has_a_reason_for_each_item() -> None:
    with pytest.raises(aws_client.ConditionFailed) as failed:
        _canceled(NONE, CHECK)
    assert failed.value.reasons == (NONE, CHECK) and failed.value.item == CHECK["Item"]
    denied = {"Code": "AccessDenied"}
    with pytest.raises(aws_client.TransactionCanceled) as raised:
        _canceled(denied, NONE)
    assert raised.value.reasons == (denied, NONE)
    assert not isinstance(raised.value, aws_client.ConditionFailed)


@pytest.mark.parametrize(
    ("reason", "status"),
    (
        ({"Code": "ValidationError", "Message": "Item size has exceeded the maximum"}, 413),
        ({"Code": "TransactionConflict"}, 503),
    ),
)
def test_a_transaction_of_invalid_data_or_with_a_conflict_is_a_problem(
    reason: dict[str, Any], status: int
) -> None:
    with pytest.raises(Problem) as raised:
        _canceled(NONE, reason)
    assert raised.value.status == status


def test_an_insert_of_an_existing_item_is_a_failed_condition() -> None:
    with Stubber(aws_client._client("dynamodb")) as stubber:
        stubber.add_client_error("execute_statement", "DuplicateItemException")
        with pytest.raises(aws_client.ConditionFailed):
            dynamodb.call("execute_statement", NOTES, Statement="INSERT …")


@pytest.fixture(name="posts")
def _posts() -> Iterator[None]:
    """Store five posts of two topics in moto."""
    with notes.table_in_moto(NOTES):
        client = boto3.client("dynamodb")
        for at, topic in enumerate(("engines", "engines", "engines", "poems", "engines")):
            item = {"author": {"S": f"a{at}"}, "at": {"N": str(at)}, "topic": {"S": topic}}
            client.put_item(TableName="posts", Item=item | {"digest": {"B": b"\xff"}})
        yield


def _authors(page: tuple[list[dict[str, Any]], str]) -> list[str]:
    return [item["author"]["S"] for item in page[0]]


@pytest.mark.usefixtures("posts")
def test_pages_follow_one_another() -> None:
    first = dynamodb.query_page(NOTES, {"S": "engines"}, **INDEX)
    second = dynamodb.query_page(NOTES, {"S": "engines"}, first[1], **INDEX)
    assert (_authors(first), _authors(second)) == (["a4", "a2"], ["a1", "a0"])
    last = second[1] and dynamodb.query_page(NOTES, {"S": "engines"}, second[1], **INDEX)
    assert not last or last == ([], "")
    restricted = {"KeyConditionExpression": "#at > :at", "ExpressionAttributeNames": {"#at": "at"}}
    values = {"ExpressionAttributeValues": {":at": {"N": "3"}}}
    found = dynamodb.query_page(NOTES, {"S": "engines"}, **INDEX, **restricted, **values)
    assert found[1] == "" and _authors(found) == ["a4"]


@pytest.mark.usefixtures("posts")
def test_a_page_of_an_index_with_a_binary_key_has_a_next_one() -> None:
    digest, request = {"B": b"\xff"}, {"IndexName": "by-digest", "Limit": 3}
    first = dynamodb.query_page(NOTES, digest, **request)
    second = dynamodb.query_page(NOTES, digest, first[1], **request)
    assert len({*_authors(first), *_authors(second)}) == 5


def _cursor(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return b64encode(text.encode(), b"-_").decode().rstrip("=")


HOSTILE = {
    "no base64": "nothing",
    "no JSON": _cursor("{"),
    "a number": _cursor(1),
    "an object": _cursor({"topic": "engines", "at": "1", "author": "a"}),
    "too few": _cursor(["engines", "1"]),
    "wrong types": _cursor(["engines", 1, "a"]),
    "null inside": _cursor(["engines", "1", None]),
    "no Number": _cursor(["engines", "x", "a"]),
    "another alphabet's digits": _cursor(["engines", "\u0661", "a"]),
    "an endless Number": _cursor(["engines", "9" * 2_000, "a"]),
    "a huge JSON number": _cursor(f'["engines", {"9" * 9_000}, "a"]'),
    "a key of 3,000 bytes": _cursor(["engines", "1", "a" * 3_000]),
    "an empty key": _cursor(["engines", "1", ""]),
    "a lone surrogate": _cursor('["engines", "1", "\\ud800"]'),
    "deep nesting": _cursor("[" * 100_000),
    "another partition": _cursor(["poems", "3", "a3"]),
}


@pytest.mark.parametrize("after", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.usefixtures("posts")
def test_a_forged_start_of_a_page_is_a_400(after: str) -> None:
    with pytest.raises(Problem) as raised:
        page = dynamodb.query_page(NOTES, {"S": "engines"}, after, **INDEX)
        pytest.fail(f"{b64decode(after + '==')!r} gave {page}")
    assert raised.value.status == 400
