"""DynamoDB in the emulator: expired items, Number keys, and the refusal of too large values."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from types import SimpleNamespace
from typing import Any

import pytest
from ministack.services import dynamodb

from emulator import number_keys, time_to_live

TABLE = "things"


def call(operation: str, **request: Any) -> tuple[int, Any]:
    """Return the status and the parsed body of a call."""
    target = {"x-amz-target": f"DynamoDB_20120810.{operation}"}
    body = json.dumps(request).encode()
    status, _, reply = asyncio.run(dynamodb.handle_request("POST", "/", target, body, {}))
    return status, json.loads(reply)


def _create(table: str, keys: dict[str, str], **more: Any) -> None:
    """Create a table with a partition key, and perhaps a sort key, of these types."""
    status, _ = call(
        "CreateTable",
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": n, "KeyType": t} for n, t in zip(keys, ("HASH", "RANGE"))],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for n, t in keys.items()],
        **more,
    )
    assert status == 200


@pytest.fixture(name="table", autouse=True)
def _table() -> Iterator[None]:
    """Create a table with a stream, whose items expire at `expires`."""
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    _create(TABLE, {"key": "S"}, StreamSpecification=stream)
    setting = {"Enabled": True, "AttributeName": "expires"}
    call("UpdateTimeToLive", TableName=TABLE, TimeToLiveSpecification=setting)
    yield
    call("DeleteTable", TableName=TABLE)


class _Stopped(Exception):
    """Ends MiniStack's endless loop."""


def _sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let MiniStack remove the expired items once, with the repairs."""
    pauses = iter((None,))

    def pause(_: float) -> None:
        if not list(islice(pauses, 1)):
            raise _Stopped

    def run() -> None:
        with suppress(_Stopped):
            dynamodb._ttl_reaper()

    for _, name, new in time_to_live.PATCHES:
        monkeypatch.setattr(dynamodb, name, new(getattr(dynamodb, name)))
    monkeypatch.setattr(dynamodb, "time", SimpleNamespace(time=time.time, sleep=pause))
    sweep = threading.Thread(target=run, name="dynamodb-ttl-reaper")
    sweep.start()
    sweep.join()


def _put(key: str, **attributes: Any) -> tuple[int, Any]:
    return call("PutItem", TableName=TABLE, Item={"key": {"S": key}, **attributes})


def test_expired_item_leaves_a_record_of_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    now = int(time.time())
    _put("old", expires={"N": str(now - 60)})
    _put("young", expires={"N": str(now + 3600)})
    _put("deleted", expires={"N": str(now + 3600)})
    call("DeleteItem", TableName=TABLE, Key={"key": {"S": "deleted"}})

    _sweep(monkeypatch)

    *_, by_caller, by_service = dynamodb.stream_records_since(TABLE, 0, 100)
    assert "userIdentity" not in by_caller
    assert by_service["eventName"] == "REMOVE"
    assert by_service["dynamodb"]["OldImage"]["key"] == {"S": "old"}
    assert by_service["userIdentity"] == {
        "type": "Service",
        "principalId": "dynamodb.amazonaws.com",
    }
    assert call("Scan", TableName=TABLE)[1]["Count"] == 1


@pytest.fixture(name="numbers")
def _numbers(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Create a table with a Number as sort key, in the repaired emulator."""
    for _, name, new in number_keys.PATCHES:
        monkeypatch.setattr(dynamodb, name, new(getattr(dynamodb, name)))
    _create("numbers", {"key": "S", "at": "N"})
    yield "numbers"
    call("DeleteTable", TableName="numbers")


def _write(table: str, operation: str, key: Any) -> None:
    if operation == "PutItem":
        assert call(operation, TableName=table, Item=key)[0] == 200
        return
    update = {"TableName": table, "Key": key, "UpdateExpression": "SET a = :a"}
    values = {"ExpressionAttributeValues": {":a": {"S": ""}}}
    assert call("TransactWriteItems", TransactItems=[{"Update": update | values}])[0] == 200


@pytest.mark.parametrize("digits", ("1.50", "2.0", "1e-05", "1E+16", "-0", "007", "+5"))
@pytest.mark.parametrize("operation", ("PutItem", "TransactWriteItems"))
def test_item_is_found_by_a_number_key_in_any_notation(
    numbers: str, digits: str, operation: str
) -> None:
    key = {"key": {"S": "a"}, "at": {"N": digits}}
    _write(numbers, operation, key)

    stored = call("Scan", TableName=numbers)[1]["Items"][0]
    assert float(stored["at"]["N"]) == float(digits) and stored["at"]["N"] != digits
    assert call("GetItem", TableName=numbers, Key=key)[1]["Item"] == stored
    batch = call("BatchGetItem", RequestItems={numbers: {"Keys": [key]}})[1]
    assert batch["Responses"][numbers] == [stored]
    get = {"TableName": numbers, "Key": key}
    (found,) = call("TransactGetItems", TransactItems=[{"Get": get}])[1]["Responses"]
    assert found["Item"] == stored
    call("DeleteItem", TableName=numbers, Key=key)
    assert call("Scan", TableName=numbers)[1]["Count"] == 0


_UPDATE = {
    "TableName": TABLE,
    "Key": {"key": {"S": "a"}},
    "UpdateExpression": "SET #v = :v",
    "ExpressionAttributeNames": {"#v": "v"},
}


def _update(value: Any) -> tuple[int, Any]:
    return call("UpdateItem", **_UPDATE, ExpressionAttributeValues={":v": value})


@pytest.mark.parametrize(
    ("value", "message"),
    (
        ({"S": "x" * 409_600}, "has exceeded the maximum allowed size"),
        ({"N": "1" * 400}, "Number overflow. Attempting to store a number with magnitude larger"),
        ({"N": "0." + "1" * 400}, "Attempting to store more than 38 significant digits"),
        ({"N": "1e-400"}, "Number underflow. Attempting to store a number with magnitude smaller"),
    ),
    ids=("400 KB", "400 digits", "400 decimals", "tiny"),
)
@pytest.mark.parametrize(
    "write", (lambda value: _put("a", v=value), _update), ids=("put", "update")
)
def test_value_over_a_limit_of_dynamodb_is_a_validation_error(
    value: Any, message: str, write: Any
) -> None:
    status, error = write(value)
    assert status == 400 and error["__type"] == "ValidationException"
    assert message in error["message"]
