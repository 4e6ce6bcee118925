"""What the program declares, under Pulumi mocks."""

import importlib
import inspect
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


@pytest.mark.parametrize("protect", (True, False))
def test_what_destroy_meets_first_is_behind_everything_and_protected_as_data_is(
    protect: bool,
) -> None:
    resources = declare("prod", protect_data=json.dumps(protect))
    (guard,) = (one for one in resources if one.kind == "epoch:components:EpochGuard")
    assert guard.protect is protect
    others = {one.urn for one in resources if not one.component}
    assert others <= set(guard.depends_on)


def test_prod_protects_its_data_and_dev_does_not() -> None:
    prod, dev = (one(declare(stack), "aws:dynamodb/table:Table") for stack in ("prod", "dev"))
    assert prod["deletionProtectionEnabled"] and prod["pointInTimeRecovery"] == {"enabled": True}
    assert not dev["deletionProtectionEnabled"]


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


@pytest.mark.parametrize(
    ("key", "value", "says"),
    (
        ("memory_mb", "64", "epoch:memory_mb = 64 must be from 128 to 10240"),
        ("memory_mb", "much", "epoch:memory_mb = much must be of type int, from 128 to 10240"),
        ("timeout_s", "7", "epoch:timeout_s = 7 must be from 8 to 29"),
        ("memory_mb", "true", "epoch:memory_mb = true must be of type int"),
        ("log_retention_days", "8", "epoch:log_retention_days = 8 must be one of 1, 3, 5"),
        ("protect_data", "1", "epoch:protect_data = 1 must be of type bool"),
        ("memory", "512", "epoch:memory is unknown; did you mean epoch:memory_mb"),
        ("trace_share", "1.5", "epoch:trace_share = 1.5 must be from 0 to 1"),
        ("alarm_email", "nobody", "epoch:alarm_email = nobody must be an e-mail address"),
        ("replica_regions", '["moon"]', "moon must be a region of AWS"),
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
        ("kms_key_arn", "alias/mine", "epoch:kms_key_arn = alias/mine must be the ARN of a KMS"),
        ("hosted_zone_id", "Z1", "hosted_zone_id needs domain_name"),
        ("domain_name", "api.example.com", "domain_name and certificate_arn need each other"),
        ("throttle", '{"rate_limit": 1}', "epoch:throttle = .* must be a mapping of rate_limit"),
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
def test_api_gateway_may_invoke_one_alias_by_one_path(stack: str) -> None:
    permission = one(declare(stack), "aws:lambda/permission:Permission")
    assert permission["qualifier"] == "live"
    assert permission["sourceArn"].endswith(f"/{stack}/*/epoch")


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


def _takes_tags(kind: str) -> bool:
    """Return whether the provider's resource of a type has tags."""
    module, _, name = kind.removeprefix("aws:").partition(":")
    service = {"lambda": "lambda_"}.get(module.split("/")[0], module.split("/")[0])
    resource = getattr(importlib.import_module(f"pulumi_aws.{service}"), name)
    return "tags" in inspect.signature(resource._internal_init).parameters  # pylint: disable=W0212


@pytest.mark.parametrize("stack", STACKS)
def test_everything_that_takes_tags_is_tagged(stack: str) -> None:
    tags = {"project": "epoch", "stack": stack, "owner": "platform"}
    resources = [resource for resource in declare(stack) if not resource.component]
    wrong = [r.urn for r in resources if _takes_tags(r.kind) != (r.inputs.get("tags") == tags)]
    assert resources and not wrong


@pytest.mark.parametrize("stack", STACKS)
def test_names_leave_room_for_a_replacement(stack: str) -> None:
    """Pulumi creates a replacement before it deletes: a fixed name would be taken then."""
    fixed = {r.kind for r in declare(stack) if not r.component and "name" in r.inputs}
    # Several APIs may have one name; an alias is named within its function.
    assert fixed == {"aws:apigateway/restApi:RestApi", "aws:lambda/alias:Alias"}


@pytest.mark.parametrize("stack", STACKS)
def test_roles_stay_under_the_stacks_path_and_boundary(stack: str) -> None:
    boundary = "arn:aws:iam::123456789012:policy/boundary"
    resources = declare(stack, owns_api_gateway_account="true", permissions_boundary=boundary)
    roles = [r.inputs for r in resources if r.kind == "aws:iam/role:Role"]
    assert len(roles) == 2
    assert {role["path"] for role in roles} == {f"/epoch/{stack}/"}
    assert {role["permissionsBoundary"] for role in roles} == {boundary}


@pytest.mark.parametrize("stack", STACKS)
def test_log_groups_come_first_are_kept_as_long_as_configured_and_go_with_the_stack(
    stack: str,
) -> None:
    resources = {(r.kind, r.name): r for r in declare(stack)}
    days = int(program.stack_config(stack)["epoch:log_retention_days"])
    for kind, name in (
        ("aws:lambda/function:Function", f"epoch-{stack}-function"),
        ("aws:apigateway/stage:Stage", f"epoch-{stack}-api"),
    ):
        group = resources["aws:cloudwatch/logGroup:LogGroup", name]
        assert group.inputs["retentionInDays"] == days and not group.retained
        assert group.urn in resources[kind, name].depends_on


def test_one_stack_owns_the_accounts_settings_and_leaves_them_to_the_others() -> None:
    kind = "aws:apigateway/account:Account"
    resources = {r.kind: r for r in declare("dev")}
    assert resources[kind].retained
    assert resources[kind].urn in resources["aws:apigateway/stage:Stage"].depends_on
    assert kind not in {r.kind for r in declare("prod")}


@pytest.mark.parametrize("stack", STACKS)
def test_the_api_speaks_tls_1_2_or_newer_under_its_own_name(stack: str) -> None:
    api = one(declare(stack), "aws:apigateway/restApi:RestApi")
    assert api["securityPolicy"] == "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09"
    assert api["endpointAccessMode"] == "STRICT"


@pytest.mark.parametrize("stack", STACKS)
def test_no_policy_has_a_wildcard_but_where_aws_forces_it(stack: str) -> None:
    policy = json.loads(one(declare(stack), "aws:iam/rolePolicy:RolePolicy")["policy"])
    wild = [s["Action"] for s in policy["Statement"] if s["Resource"] == "*"]
    assert wild == [["xray:PutTelemetryRecords", "xray:PutTraceSegments"]]
    assert not [action for s in policy["Statement"] for action in s["Action"] if "*" in action]
