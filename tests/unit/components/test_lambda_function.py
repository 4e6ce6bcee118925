"""The function's rights while its code changes."""

import json
import re

import pytest

import function.declare.registry
from function.declare.permission import ServicePermission
from local import pulumi_program
from local.pulumi_program import Resource
from tests.conftest import NAME, STACK, plain

# These tests add a declaration to those of any service.
pytestmark = pytest.mark.conformance


def _policy_and_function(**changes: object) -> tuple[Resource, Resource]:
    with pytest.MonkeyPatch.context() as patch:
        endpoint = function.declare.registry.load_endpoints()[0]._replace(**changes)
        patch.setattr(function.declare.registry, "load_endpoints", lambda: (endpoint,))
        resources = pulumi_program.declared_resources(STACK, config=plain())
    (policy,) = (
        r for r in resources if r.kind.endswith(":RolePolicy") and f"{NAME}-function-" in r.name
    )
    (called,) = (
        r for r in resources if r.kind.endswith(":Function") and r.name == f"{NAME}-function"
    )
    return policy, called


def test_other_rights_are_another_policy_so_that_running_code_keeps_its_own() -> None:
    bus = ServicePermission("events", "*", ("events:PutEvents",))
    policy, called = _policy_and_function(permissions=(bus,))
    narrowed, _ = _policy_and_function(permissions=())
    # Pulumi creates it before the function, which depends on it, and leaves the former one.
    assert policy.urn != narrowed.urn and policy.urn in called.depends_on
    assert policy.inputs["role"] == narrowed.inputs["role"]
    assert policy.retained and called.inputs["description"] == f"Rights: {policy.inputs['name']}"


def test_equal_rights_are_the_same_policy() -> None:
    policy, _ = _policy_and_function()
    assert _policy_and_function(summary="Other.")[0].urn == policy.urn


@pytest.mark.usefixtures("jobs")
def test_every_function_runs_in_the_configured_network_and_its_code_may_not_change_it() -> None:
    network = {"vpc_subnets": '["subnet-1", "subnet-2"]', "vpc_security_groups": '["sg-1"]'}
    functions, policies = (
        # The authorizer asks issuers in the internet.
        [r for r in resources if r.kind == kind and not re.search("-(schedule|authorizer)", r.name)]
        for resources in [pulumi_program.declared_resources(STACK, config=plain(**network))]
        for kind in ("aws:lambda/function:Function", "aws:iam/rolePolicy:RolePolicy")
    )
    expected = {"subnetIds": ["subnet-1", "subnet-2"], "securityGroupIds": ["sg-1"]}
    assert [one.inputs["vpcConfig"] for one in functions] == [expected] * len(functions)
    assert len(functions) > 4
    for policy in policies:
        statements = json.loads(policy.inputs["policy"])["Statement"]
        allowed, denied = (
            {
                action
                for one in statements
                if one["Effect"] == effect
                for action in one["Action"]
                if action.startswith("ec2:")
            }
            for effect in ("Allow", "Deny")
        )
        assert "ec2:CreateNetworkInterface" in allowed < denied
        (own,) = [one["Condition"] for one in statements if one["Effect"] == "Deny"]
        assert own == {"ArnLike": {"lambda:SourceFunctionArn": "arn:*:lambda:*:*:function:*"}}
