"""What the program declares, under Pulumi mocks."""

import json

import pytest

from components.config import ConfigError
from local import program
from tests.conftest import declare, one

STACKS = ("dev", "prod")


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("preview", (False, True))
def test_the_program_runs_in_deployment_and_in_preview(stack: str, preview: bool) -> None:
    kinds = {resource.kind for resource in declare(stack, preview=preview)}
    assert {"aws:dynamodb/table:Table", "aws:lambda/function:Function"} <= kinds


def test_prod_protects_its_data_and_dev_does_not() -> None:
    prod, dev = (one(declare(stack), "aws:dynamodb/table:Table") for stack in ("prod", "dev"))
    assert prod["deletionProtectionEnabled"] and prod["pointInTimeRecovery"] == {"enabled": True}
    assert not dev["deletionProtectionEnabled"]
    assert prod["serverSideEncryption"] == dev["serverSideEncryption"] == {"enabled": True}


@pytest.mark.parametrize("stack", STACKS)
def test_the_role_may_do_what_the_endpoints_declare_on_their_table(stack: str) -> None:
    policy = json.loads(one(declare(stack), "aws:iam/rolePolicy:RolePolicy")["policy"])
    assert policy["Statement"][0] == {
        "Effect": "Allow",
        "Action": ["dynamodb:PutItem"],
        "Resource": f"arn:aws:dynamodb:eu-central-1:123456789012:epoch-{stack}-epochs",
    }


@pytest.mark.parametrize("stack", STACKS)
def test_the_function_is_traced_on_arm64_and_published(stack: str) -> None:
    function = one(declare(stack), "aws:lambda/function:Function")
    assert function["architectures"] == ["arm64"]
    assert function["tracingConfig"] == {"mode": "Active"}
    assert function["publish"] is True
    assert function["loggingConfig"]["logFormat"] == "JSON"
    names = set(function["code"].assets)
    assert "function/main.py" in names and "aws_xray_sdk/core/recorder.py" in names
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_every_method_needs_an_api_key() -> None:
    assert one(declare("prod"), "aws:apigateway/method:Method")["apiKeyRequired"] is True


@pytest.mark.parametrize(
    ("key", "value", "says"),
    (
        ("memory_mb", "64", "epoch:memory_mb = 64 must be from 128 to 10240"),
        ("memory_mb", "much", "epoch:memory_mb = much must be of type int, from 128 to 10240"),
        ("memory_mb", "true", "epoch:memory_mb = true must be of type int"),
        ("log_retention_days", "8", "epoch:log_retention_days = 8 must be one of 1, 3, 5"),
        ("protect_data", "1", "epoch:protect_data = 1 must be of type bool"),
        ("memory", "512", "epoch:memory = 512 is unknown; known keys: owner, memory_mb"),
        ("trace_share", "1.5", "epoch:trace_share = 1.5 must be from 0 to 1"),
        ("alarm_email", "nobody", "epoch:alarm_email = nobody must be an e-mail address"),
        ("replica_regions", '["moon"]', r"epoch:replica_regions\[0\] = moon must be an AWS region"),
        ("replica_regions", "us-east-1", "epoch:replica_regions = us-east-1 must be a list"),
        ("certificate_arn", "arn:aws:iam::1:x", "must be the ARN of an ACM certificate"),
        ("usage_plans", "{}", "epoch:usage_plans = {} must be a mapping with at least one entry"),
        ("usage_plans", '{"a": {"rate_limit": 1}}', "must be a mapping of rate_limit, burst_limit"),
        (
            "usage_plans",
            '{"a": {"rate_limit": 0, "burst_limit": 1, "quota_per_day": 1}}',
            "epoch:usage_plans.a.rate_limit = 0 must be from 1 to 10000",
        ),
        ("api_keys", '{"A b": "standard"}', "epoch:api_keys = A b must be named with a-z"),
        ("api_keys", '{"a": "gold"}', "epoch:api_keys.a = gold must be one of the usage plans: st"),
        ("hosted_zone_id", "Z1", "hosted_zone_id needs domain_name"),
        ("domain_name", "api.example.com", "domain_name and certificate_arn need each other"),
        ("waf_rate_limit", "9", "waf_rate_limit must be 0 or at least 10"),
    ),
)
def test_a_config_error_names_key_value_and_range(key: str, value: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        declare("dev", **{key: value})


@pytest.mark.parametrize("stack", STACKS)
def test_the_key_is_a_secret_output(stack: str) -> None:
    outputs = program.run(program.Recorder(), stack=stack)
    assert outputs.secret == {"api_key", "api_keys"}
    assert outputs.values["endpoint"].endswith("/epoch")


@pytest.mark.parametrize("stack", STACKS)
def test_every_resource_has_a_component_as_parent(stack: str) -> None:
    resources = declare(stack)
    components = {resource.urn for resource in resources if resource.component}
    assert components
    assert not [r.name for r in resources if not r.component and r.parent not in components]


@pytest.mark.parametrize("stack", STACKS)
def test_api_gateway_may_invoke_one_alias_by_one_route(stack: str) -> None:
    permission = one(declare(stack), "aws:lambda/permission:Permission")
    assert permission["qualifier"] == "live"
    assert permission["sourceArn"].endswith(f"/{stack}/POST/epoch")


@pytest.mark.parametrize("stack", STACKS)
def test_the_usage_plan_follows_the_config(stack: str) -> None:
    config = program.stack_config(stack)
    wanted = json.loads(config["epoch:usage_plans"])["standard"]
    plan = one(declare(stack), "aws:apigateway/usagePlan:UsagePlan")
    assert plan["throttleSettings"] == {
        "rateLimit": wanted["rate_limit"],
        "burstLimit": wanted["burst_limit"],
    }
    assert plan["quotaSettings"] == {"limit": wanted["quota_per_day"], "period": "DAY"}
    assert one(declare(stack), "aws:apigateway/stage:Stage")["stageName"] == stack
