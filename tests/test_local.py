"""The running whole: API Gateway, Lambda and DynamoDB in the emulator, with IAM enforced."""

import ipaddress
import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.deploy import LocalStack


def test_a_post_is_answered_stored_logged_and_traced(local: LocalStack) -> None:
    before = time.time()
    reply = local.call()
    after = time.time()
    assert reply.status == 201
    answer = reply.json()
    uuid.UUID(answer["key"])
    ipaddress.ip_address(answer["ip"])
    assert before - 1e-6 <= answer["epoch"] <= after
    assert {
        "key": {"S": answer["key"]},
        "epoch": {"N": str(answer["epoch"])},
        "ip": {"S": answer["ip"]},
    } in local.items()
    (line,) = [line for line in local.log_lines() if line.get("key") == answer["key"]]
    assert line["route"] == "POST /epoch" and line["status"] == 201
    segments = local.traces.trace(line["traceId"])
    segment = segments[0]
    assert segment["name"] == "POST /epoch"
    assert segment["annotations"]["key"] == answer["key"]
    assert segment["annotations"]["outcome"] == "success"
    (call,) = [s for s in segments if s.get("parent_id") == segment["id"]]
    assert call["name"] == "DynamoDB" and call["aws"]["operation"] == "PutItem"


@pytest.mark.parametrize("key", ("", "wrong"))
def test_without_a_valid_key_nothing_is_stored(local: LocalStack, key: str) -> None:
    before = local.items()
    assert local.call(key=key).status == 403
    assert local.items() == before


def _as_the_role(local: LocalStack) -> Any:
    """Return a DynamoDB client with the function's execution role."""
    function = local.emulator.client("lambda").get_function_configuration(
        FunctionName=local.outputs["function_name"]
    )
    return local.emulator.acting_as(function["Role"]).client("dynamodb")


def test_the_role_may_put_an_item_into_its_table_and_nothing_else(local: LocalStack) -> None:
    dynamodb, table = _as_the_role(local), local.outputs["table_name"]
    key = {"key": {"S": "role"}}
    dynamodb.put_item(TableName=table, Item=key)
    root = local.emulator.client("dynamodb")
    root.delete_item(TableName=table, Key=key)
    refused = {
        "scan": {},
        "query": {
            "KeyConditionExpression": "#k = :k",
            "ExpressionAttributeNames": {"#k": "key"},
            "ExpressionAttributeValues": {":k": {"S": "role"}},
        },
        "get_item": {"Key": key},
        "delete_item": {"Key": key},
        "update_item": {"Key": key},
        "describe_table": {},
        "delete_table": {},
    }
    for operation, arguments in refused.items():
        with pytest.raises(ClientError, match="AccessDenied"):
            getattr(dynamodb, operation)(TableName=table, **arguments)
    root.create_table(
        TableName="other",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        dynamodb.put_item(TableName="other", Item=key)
