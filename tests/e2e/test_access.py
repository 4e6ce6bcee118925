"""What the execution role of the running stack may do."""

from collections.abc import Iterable

import pytest

from function.declare.permission import TablePermission
from function.declare.registry import load_endpoints
from local.local_stack import LocalStack
from tests.conftest import NAME

pytestmark = pytest.mark.conformance


@pytest.fixture(name="role_arn")
def _role_arn(local: LocalStack) -> str:
    function = local.emulator.client("lambda").get_function_configuration(
        FunctionName=local.outputs["function_name"]
    )
    return str(function["Role"])


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


def _declared() -> dict[str, set[str]]:
    """Return the declared actions on each table, without those on its indexes alone."""
    actions: dict[str, set[str]] = {}
    for endpoint in load_endpoints():
        for permission in endpoint.permissions:
            if isinstance(permission, TablePermission):
                actions.setdefault(permission.table, set()).update(permission.actions)
    return actions


def _table_arn(local: LocalStack, table: str) -> str:
    name = f"{NAME}-{table}"
    tables = local.emulator.client("dynamodb").list_tables()["TableNames"]
    (found,) = [each for each in tables if each == name or each.startswith(f"{name}-")]
    described = local.emulator.client("dynamodb").describe_table(TableName=found)
    return str(described["Table"]["TableArn"])


def test_of_all_actions_the_role_may_do_what_is_declared_on_what_is_named(
    local: LocalStack, role_arn: str
) -> None:
    for table, actions in _declared().items():
        arn = _table_arn(local, table)
        assert _allowed(local, role_arn, "dynamodb", arn) <= actions
        assert not _allowed(local, role_arn, "dynamodb", f"{arn}x")
    group = _group_arn(local)
    logs = {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert _allowed(local, role_arn, "logs", f"{group}:log-stream:any") == logs
    assert not _allowed(local, role_arn, "logs", f"{group}x:log-stream:any")
    traces = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
    assert _allowed(local, role_arn, "xray", "*") == traces
    for service in ("iam", "lambda", "sns", "kms", "sts", "apigateway"):
        assert not _allowed(local, role_arn, service, "*")
