"""The policies of the roles."""

import json

import pytest

from function.declare.job_registry import load_jobs
from function.declare.registry import load_endpoints
from local import stack_files
from tests.conftest import declare, every

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
