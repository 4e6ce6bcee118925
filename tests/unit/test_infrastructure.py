"""What the program declares, under Pulumi mocks."""

import importlib
import inspect
import json

import pytest

from components import resource_prefix
from components.iam import policies
from components.stack_config import ConfigError, StackConfig
from function.declare.registry import load_endpoints
from function.declare.job_registry import load_jobs
from local import pulumi_program, stack_files
from tests.conftest import declare, one, plain

PROJECT = stack_files.project_name()
STACKS = stack_files.stacks()
STACK = STACKS[-1]


def _all(resources: list[pulumi_program.Resource], kind: str) -> list[pulumi_program.Properties]:
    """Return the inputs of the resources of a type, of which there is one at least."""
    found = [resource.inputs for resource in resources if resource.kind == kind]
    assert found
    return found


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("preview", (False, True))
def test_the_program_runs_in_deployment_and_in_preview(stack: str, preview: bool) -> None:
    kinds = {resource.kind for resource in declare(stack, preview=preview)}
    assert {"aws:apigateway/restApi:RestApi", "aws:lambda/function:Function"} <= kinds


@pytest.mark.parametrize("protect", (True, False))
def test_what_destroy_meets_first_is_behind_everything_and_protected_as_data_is(
    protect: bool,
) -> None:
    resources = declare(STACK, protect_data=json.dumps(protect))
    (guard,) = (one for one in resources if one.kind == "epoch:components:EpochDestroyGuard")
    assert guard.protect is protect
    others = {one.urn for one in resources if not one.component}
    assert others <= set(guard.depends_on)


@pytest.mark.parametrize("stack", STACKS)
def test_the_function_is_traced_on_arm64_and_published(stack: str) -> None:
    for function in _all(declare(stack), "aws:lambda/function:Function"):
        assert function["architectures"] == ["arm64"]
        assert function["tracingConfig"] == {"mode": "Active"}
        assert function["publish"] is True
        assert function["loggingConfig"]["logFormat"] == "JSON"
        names = set(function["code"].assets)
        assert (
            "function/runtime/api_handler.py" in names and "aws_xray_sdk/core/recorder.py" in names
        )


@pytest.mark.parametrize(
    ("key", "value", "says"),
    (
        ("memory_mb", "64", ":memory_mb = 64 must be from 128 to 10240"),
        ("memory_mb", "much", ":memory_mb = much must be of type int, from 128 to 10240"),
        ("timeout_s", "7", ":timeout_s = 7 must be from 8 to 29"),
        ("memory_mb", "true", ":memory_mb = true must be of type int"),
        ("log_retention_days", "8", ":log_retention_days = 8 must be one of 1, 3, 5"),
        ("protect_data", "1", ":protect_data = 1 must be of type bool"),
        ("memory", "512", ":memory is unknown; did you mean .*:memory_mb"),
        ("trace_sampling_rate", "1.5", ":trace_sampling_rate = 1.5 must be from 0 to 1"),
        ("alarm_email", "nobody", ":alarm_email = nobody must be an e-mail address"),
        ("replica_regions", '["moon"]', "moon must be a region of AWS"),
        ("replica_regions", "us-east-1", ":replica_regions = us-east-1 must be a list"),
        ("certificate_arn", "arn:aws:iam::1:x", "must be the ARN of an ACM certificate"),
        ("usage_plans", "{}", ":usage_plans = {} must be a mapping with at least one entry"),
        ("usage_plans", '{"a": {"rate_limit": 1}}', "must be a mapping of rate_limit, burst_limit"),
        (
            "usage_plans",
            '{"a": {"rate_limit": 0, "burst_limit": 1, "quota_per_day": 1}}',
            ":usage_plans.a.rate_limit = 0 must be from 1 to 10000",
        ),
        ("api_keys", '{"A b": "standard"}', ":api_keys = A b must be named with a-z"),
        ("api_keys", '{"a": "{}"}', ":api_keys.a = {} must be one of the usage plans: basic"),
        ("replica_regions", '["eu-west-1", "eu-west-1"]', "replica_regions names a region twice"),
        ("kms_key_arn", "alias/mine", ":kms_key_arn = alias/mine must be the ARN of a KMS"),
        ("hosted_zone_id", "Z1", "hosted_zone_id needs domain_name"),
        ("domain_name", "api.example.com", "domain_name and certificate_arn need each other"),
        (
            "stage_throttle",
            '{"rate_limit": 1}',
            ":stage_throttle = .* must be a mapping of rate_limit",
        ),
        ("waf_rate_limit", "9", "waf_rate_limit must be 0 or at least 10"),
    ),
)
def test_a_config_error_names_key_value_and_range(key: str, value: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        config = plain()
        secret = [given for given, text in config.items() if isinstance(text, stack_files.Secret)]
        StackConfig.from_pulumi(config | {f"{PROJECT}:{key}": value}, PROJECT, secret)


@pytest.mark.parametrize(
    ("given", "says"),
    (
        ({"waf_rate_limit": "100", "trusted_proxy_count": "1"}, "callers behind a proxy as one"),
        (
            {
                "permissions_boundary": "arn:aws-us-gov:iam::111122223333:policy/x",
                "manage_api_gateway_account": "true",
            },
            "denies its role the access logs; run `pulumi -C bootstrap up`",
        ),
    ),
)
def test_keys_that_exclude_each_other_are_refused_with_the_reason(
    given: dict[str, str], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        declare(STACK, **given)


def test_a_text_may_look_like_a_number() -> None:
    assert one(declare(owner="4711"), "aws:apigateway/restApi:RestApi")["tags"]["owner"] == "4711"


@pytest.mark.parametrize("stack", STACKS)
def test_the_key_is_a_secret_output(stack: str) -> None:
    outputs = pulumi_program.run(pulumi_program.MockEngine(), stack=stack)
    assert outputs.secret == {"default_api_key", "api_keys"}


@pytest.mark.parametrize("stack", STACKS)
def test_every_resource_has_a_component_as_parent(stack: str) -> None:
    resources = declare(stack)
    components = {resource.urn for resource in resources if resource.component}
    assert components
    assert not [r.name for r in resources if not r.component and r.parent not in components]


@pytest.mark.parametrize("stack", STACKS)
def test_api_gateway_may_invoke_one_alias_by_one_stage(stack: str) -> None:
    """Once for all routes: AWS limits what a function's policy may say to 20 KB."""
    permission = one(declare(stack), "aws:lambda/permission:Permission")
    assert permission["qualifier"] == "live"
    api, _, scope = permission["sourceArn"].partition("/")
    assert api.endswith(f":{resource_prefix(PROJECT, stack)}") and scope == f"{stack}/*"


@pytest.mark.parametrize("stack", STACKS)
def test_the_usage_plan_follows_the_config(stack: str) -> None:
    wanted = {"rate_limit": 7.5, "burst_limit": 8, "quota_per_day": 9}
    given = {"usage_plans": json.dumps({"only": wanted}), "api_keys": '{"default": "only"}'}
    plan = one(declare(stack, **given), "aws:apigateway/usagePlan:UsagePlan")
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
    tags = {"project": PROJECT, "stack": stack, "owner": "someone"}
    resources = [resource for resource in declare(stack, owner="someone") if not resource.component]
    wrong = [r.urn for r in resources if _takes_tags(r.kind) != (r.inputs.get("tags") == tags)]
    assert resources and not wrong


@pytest.mark.parametrize("stack", STACKS)
def test_names_leave_room_for_a_replacement(stack: str) -> None:
    """Pulumi creates a replacement before it deletes: a fixed name would be taken then."""
    fixed = {r.kind for r in declare(stack) if not r.component and "name" in r.inputs}
    # Several APIs may have one name; an alias is named within its function.
    assert fixed <= {"aws:apigateway/restApi:RestApi", "aws:lambda/alias:Alias"}


@pytest.mark.parametrize("stack", STACKS)
def test_roles_stay_under_the_stacks_path_and_boundary(
    monkeypatch: pytest.MonkeyPatch, stack: str
) -> None:
    # What a declared service needs, the boundary of its account may not have yet.
    monkeypatch.setattr(policies, "check_boundary", lambda *_: None)
    boundary = "arn:aws:iam::123456789012:policy/boundary"
    resources = declare(stack, manage_api_gateway_account="false", permissions_boundary=boundary)
    roles = _all(resources, "aws:iam/role:Role")
    assert {role["path"] for role in roles} == {f"/{PROJECT}/{stack}/"}
    assert {role["permissionsBoundary"] for role in roles} == {boundary}


@pytest.mark.parametrize("stack", STACKS)
def test_log_groups_come_first_are_kept_as_long_as_configured_and_go_with_the_stack(
    stack: str,
) -> None:
    resources = {(r.kind, r.name): r for r in declare(stack, log_retention_days="14")}
    for kind, name in (
        ("aws:lambda/function:Function", f"{resource_prefix(PROJECT, stack)}-function"),
        ("aws:apigateway/stage:Stage", f"{resource_prefix(PROJECT, stack)}-api"),
    ):
        group = resources["aws:cloudwatch/logGroup:LogGroup", name]
        assert group.inputs["retentionInDays"] == 14 and not group.retained
        assert group.urn in resources[kind, name].depends_on


@pytest.mark.parametrize("stack", STACKS)
def test_the_api_speaks_tls_1_2_or_newer_under_its_own_name(stack: str) -> None:
    api = one(declare(stack), "aws:apigateway/restApi:RestApi")
    assert api["securityPolicy"] == "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09"
    assert api["endpointAccessMode"] == "STRICT"


@pytest.mark.parametrize("stack", STACKS)
def test_no_policy_has_a_wildcard_but_where_aws_or_a_declaration_forces_it(stack: str) -> None:
    access = (a for part in (*load_endpoints(), *load_jobs().values()) for a in part.permissions)
    forced = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
    for service in access:
        forced.update(service.actions if getattr(service, "resource", "") == "*" else ())
    for inputs in _all(declare(stack), "aws:iam/rolePolicy:RolePolicy"):
        statements = json.loads(inputs["policy"])["Statement"]
        wild = [action for s in statements if s["Resource"] == "*" for action in s["Action"]]
        assert set(wild) <= forced
        assert not [action for s in statements for action in s["Action"] if "*" in action]


def test_after_a_run_whose_resource_is_refused_the_next_is_as_ever() -> None:
    class Refusing(pulumi_program.MockEngine):
        """An engine that takes no log group."""

        def create(
            self, resource: pulumi_program.Resource
        ) -> tuple[str, pulumi_program.Properties]:
            if resource.kind == "aws:cloudwatch/logGroup:LogGroup":
                raise RuntimeError("refused")
            return super().create(resource)

    with pytest.raises(RuntimeError, match="refused"):
        pulumi_program.run(Refusing(), stack=STACK, config=plain())
    assert pulumi_program.declared_resources(STACK, config=plain())
