"""The stand-in for DynamoDB takes the same PutItem of each case, and no other call."""

import json
from typing import Any

import pytest

from tools.bench import fake_dynamodb

TARGET = "DynamoDB_20120810.PutItem"
CALL: dict[str, Any] = {
    "Item": {"key": {"S": "k"}, "epoch": {"N": "1"}, "ip": {"S": "192.0.2.1"}},
    "ConditionExpression": "attribute_not_exists(#key)",
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}


@pytest.mark.parametrize(
    ("target", "change", "why"),
    (
        (TARGET, {}, ""),
        ("DynamoDB_20120810.GetItem", {}, "not PutItem"),
        (TARGET, {"Item": {"key": {"S": "k"}}}, "an item of"),
        (TARGET, {"ConditionExpression": ""}, "no condition"),
        (TARGET, {"ReturnValuesOnConditionCheckFailure": "NONE"}, "no return"),
    ),
)
def test_the_stand_in_takes_the_one_call_that_is_measured(
    target: str, change: dict[str, Any], why: str
) -> None:
    found = fake_dynamodb.difference(target, json.dumps({**CALL, **change}).encode())
    assert found.startswith(why) and bool(found) == bool(why)
