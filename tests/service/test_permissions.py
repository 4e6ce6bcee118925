"""The execution role's permissions: enforced by the emulator, and evaluated for all actions."""

from collections.abc import Iterable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.ministack import MiniStack
from local.local_stack import LocalStack


@pytest.fixture(name="role_arn")
def _role_arn(local: LocalStack) -> str:
    function = local.emulator.client("lambda").get_function_configuration(
        FunctionName=local.outputs["function_name"]
    )
    return str(function["Role"])


@pytest.fixture(name="role")
def _role(local: LocalStack, role_arn: str) -> MiniStack:
    return local.emulator.assume_role(role_arn)


def _table_arn(local: LocalStack) -> str:
    described = local.emulator.client("dynamodb").describe_table(
        TableName=local.outputs["table_name"]
    )
    return str(described["Table"]["TableArn"])


def _group_arn(local: LocalStack) -> str:
    name = local.outputs["function_log_group"]
    (group,) = local.emulator.client("logs").describe_log_groups(logGroupNamePrefix=name)[
        "logGroups"
    ]
    return str(group["arn"]).removesuffix(":*")


def _allowed(local: LocalStack, role_arn: str, service: str, resource: str) -> set[str]:
    """Return the actions of a service, of all that boto3 knows, that the role may do."""
    operations: Iterable[str] = local.emulator.client(service).meta.service_model.operation_names
    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[1]
    simulated = local.emulator.client("iam").simulate_principal_policy(
        # Without its path, which MiniStack takes for a part of the name here.
        PolicySourceArn=f"arn:aws:iam::{account}:role/{name}",
        ActionNames=[f"{service}:{operation}" for operation in operations],
        ResourceArns=[resource],
    )["EvaluationResults"]
    return {result["EvalActionName"] for result in simulated if result["EvalDecision"] == "allowed"}


def test_of_all_actions_the_role_may_do_what_is_declared_on_what_is_named(
    local: LocalStack, role_arn: str
) -> None:
    table, group = _table_arn(local), _group_arn(local)
    assert _allowed(local, role_arn, "dynamodb", table) == {"dynamodb:PutItem"}
    assert not _allowed(local, role_arn, "dynamodb", f"{table}x")
    assert not _allowed(local, role_arn, "dynamodb", f"{table}/index/any")
    logs = {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert _allowed(local, role_arn, "logs", f"{group}:log-stream:any") == logs
    assert not _allowed(local, role_arn, "logs", f"{group}x:log-stream:any")
    traces = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
    assert _allowed(local, role_arn, "xray", "*") == traces
    for service in ("iam", "lambda", "sns", "kms", "sts", "apigateway"):
        assert not _allowed(local, role_arn, service, "*")


def test_the_emulator_refuses_the_role_what_is_not_declared(
    local: LocalStack, role: MiniStack
) -> None:
    dynamodb, table = role.client("dynamodb"), local.outputs["table_name"]
    root = local.emulator.client("dynamodb")
    key = {"key": {"S": "role"}}
    dynamodb.put_item(TableName=table, Item=key)
    root.delete_item(TableName=table, Key=key)
    refused: dict[str, dict[str, Any]] = {
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


def test_the_role_may_write_its_own_log_only(local: LocalStack, role: MiniStack) -> None:
    logs, root = role.client("logs"), local.emulator.client("logs")
    root.create_log_group(logGroupName="other")
    logs.create_log_stream(logGroupName=local.outputs["function_log_group"], logStreamName="role")
    with pytest.raises(ClientError, match="AccessDenied"):
        logs.create_log_stream(logGroupName="other", logStreamName="role")
    with pytest.raises(ClientError, match="AccessDenied"):
        logs.filter_log_events(logGroupName=local.outputs["function_log_group"])


def test_only_api_gateway_may_invoke_the_alias_and_only_for_its_stage(local: LocalStack) -> None:
    client = local.emulator.client("lambda")
    name = local.outputs["function_name"]
    policy = client.get_policy(FunctionName=name, Qualifier="live")["Policy"]
    assert '"Service": "apigateway.amazonaws.com"' in policy.replace('":"', '": "')
    assert policy.count('"Effect"') == 1 and "/dev/*" in policy
