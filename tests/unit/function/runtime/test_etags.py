"""Optimistic locking by ETag and If-Match."""

from collections.abc import Iterator
from typing import Any

import pytest

from function.declare.endpoint import Request
from function.declare.problem import Problem
from function.runtime import etags
from function.runtime.settings import SETTINGS
from tests.fixtures import notes

NOTE = {"id": {"S": "one"}, "text": {"S": "old"}, **etags.FIRST_VERSION}
KEY = {"Key": {"id": {"S": "one"}}}
UPDATE = {
    **KEY,
    "UpdateExpression": "SET #text = :text",
    "ExpressionAttributeNames": {"#text": "text"},
    "ExpressionAttributeValues": {":text": {"S": "new"}},
}


def _request(**headers: str) -> Request:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("192.0.2.1", "", "", SETTINGS, headers=names)


@pytest.fixture(name="items")
def _items() -> Iterator[Any]:
    """Return a function that reads the items of a table with one note."""
    with notes.served(), notes.table_in_moto() as items:
        notes.dynamodb.call("put_item", notes.NOTES, Item=NOTE)
        yield items


@pytest.mark.parametrize(
    ("operation", "arguments"),
    (("update_item", UPDATE), ("put_item", {"Item": {**NOTE, "text": {"S": "new"}}})),
)
def test_a_write_with_the_current_version_makes_the_next_one(
    items: Any, operation: str, arguments: dict[str, Any]
) -> None:
    written = etags.write(operation, notes.NOTES, _request(if_match='"1"'), **arguments)
    assert items() == [written] and written["text"] == {"S": "new"}
    assert etags.etag(written) == '"2"'


def test_a_deletion_needs_the_current_version_and_the_own_condition(items: Any) -> None:
    with pytest.raises(Problem) as raised:
        own = {"ConditionExpression": "attribute_exists(nothing)"}
        etags.write("delete_item", notes.NOTES, _request(if_match='"1"'), **KEY, **own)
    assert raised.value.status == 412 and items()
    assert etags.write("delete_item", notes.NOTES, _request(if_match='"1"'), **KEY) == NOTE
    assert not items()


@pytest.mark.parametrize(
    ("sent", "key", "status"),
    (
        ("", "one", 428),
        *((sent, "one", 412) for sent in ('"2"', '"0"', "1", '"1", "2"', 'W/"1"')),
        ('"1"', "two", 412),  # it is gone, and is not made again
    ),
)
def test_a_write_with_another_version_changes_nothing(
    items: Any, sent: str, key: str, status: int
) -> None:
    change = UPDATE | {"Key": {"id": {"S": key}}}
    with pytest.raises(Problem) as raised:
        etags.write("update_item", notes.NOTES, _request(if_match=sent), **change)
    assert raised.value.status == status and items() == [NOTE]


def test_a_write_after_a_lost_response_is_a_503(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    response = {"Error": {}, "ResponseMetadata": {"RetryAttempts": 1}}

    def fail(*_: Any, **__: Any) -> None:
        raise notes.aws_client.ConditionFailed(response)

    monkeypatch.setattr(notes.dynamodb, "call", fail)
    with pytest.raises(Problem) as raised:
        etags.write("delete_item", notes.NOTES, _request(if_match='"1"'), **KEY)
    assert raised.value.status == 503
