"""The policies of the roles."""

import json

import pytest

from components import resource_prefix
from function.declare.job_registry import load_jobs
from function.declare.permission import QueuePermission, SecretPermission, TopicPermission
from function.declare.registry import load_endpoints
from local import stack_files
from tests.conftest import allowed, declare, every

pytestmark = pytest.mark.conformance

STACKS = stack_files.stacks()


@pytest.mark.parametrize("stack", STACKS)
def test_no_policy_has_a_wildcard_but_where_aws_or_a_declaration_forces_it(stack: str) -> None:
    access = (a for part in (*load_endpoints(), *load_jobs().values()) for a in part.permissions)
    forced = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
    for service in access:
        forced.update(service.actions if getattr(service, "resource", "") == "*" else ())
    for inputs in every(declare(stack), "aws:iam/rolePolicy:RolePolicy"):
        statements = json.loads(inputs["policy"])["Statement"]
        wild = [action for s in statements if s["Resource"] == "*" for action in s["Action"]]
        assert set(wild) <= forced
        assert not [action for s in statements for action in s["Action"] if "*" in action]


# The actions of the permissions that do not name them.
ACTIONS = {
    QueuePermission: "sqs:SendMessage",
    SecretPermission: "secretsmanager:GetSecretValue",
    TopicPermission: "sns:Publish",
}


@pytest.mark.parametrize("stack", STACKS)
def test_the_function_of_the_api_may_do_what_its_endpoints_declare_and_no_more(stack: str) -> None:
    access = [one for endpoint in load_endpoints() for one in endpoint.permissions]
    declared = {ACTIONS[type(one)] for one in access if type(one) in ACTIONS}
    declared.update(action for one in access for action in getattr(one, "actions", ()))
    own = {"logs:CreateLogStream", "logs:PutLogEvents"}
    own |= {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
    role = f"{resource_prefix(stack_files.project_name(), stack)}-function"
    assert allowed(declare(stack), role).keys() == declared | own
