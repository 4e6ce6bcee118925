"""The running whole: API Gateway, Lambda and DynamoDB in the emulator, with IAM enforced."""

import ipaddress
import time
import uuid

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
    (segment,) = local.traces.trace(line["traceId"])[:1]
    assert segment["name"] == "POST /epoch"
    assert segment["annotations"]["key"] == answer["key"]


@pytest.mark.parametrize("key", ("", "wrong"))
def test_without_a_valid_key_nothing_is_stored(local: LocalStack, key: str) -> None:
    before = local.items()
    assert local.call(key=key).status == 403
    assert local.items() == before


def test_the_role_cannot_read_the_table(local: LocalStack) -> None:
    function = local.emulator.client("lambda").get_function_configuration(
        FunctionName=local.outputs["function_name"]
    )
    session = local.emulator.client("sts").assume_role(
        RoleArn=function["Role"], RoleSessionName="test"
    )["Credentials"]
    as_role = local.emulator.client(
        "dynamodb",
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        as_role.scan(TableName=local.outputs["table_name"])
