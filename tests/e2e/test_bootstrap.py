"""The deployer: its program under mocks, and its roles at work in the emulator, IAM enforced."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from components import resource_prefix
from components.packaging.interpreter import PYTHON_VERSION
from function.declare import registry
from function.declare.endpoint import Endpoint, Parameter, Response
from local import local_stack, pulumi_program, stack_files
from local.deployment import Deployer
from local.ministack import MiniStack
from tests.conftest import PROJECT, assume_role, beside, plain
from tests.e2e.test_options import prerequisites

FOLDER = stack_files.ROOT / "bootstrap"
REGION = "eu-central-1"
DEV, PROD = (resource_prefix(PROJECT, stack) for stack in ("dev", "prod"))
# Beside those that the service may declare.
OWN_TABLE = f"{DEV}-things"
ISSUER = "https://token.actions.githubusercontent.com"


@dataclass
class Cloud:
    """An account that the deployer has prepared, with a stack that a deploy role brought up."""

    account: local_stack.Account
    options: dict[str, str]
    outputs: dict[str, Any]
    role: MiniStack
    engine: Deployer
    changed: list[str]  # the types that the engine made or updated
    stack: local_stack.LocalStack

    def preview(self) -> MiniStack:
        """Return the emulator as the preview role sees it."""
        return assume_role(
            self.account.emulator, self.outputs["dev_preview_role"], _token("dev-preview")
        )


def _token(environment: str, **claims: str) -> str:
    """Return a token as GitHub gives it to a job, unsigned: the emulator reads its claims."""
    subject = f"repo:OWNER/REPO:environment:{environment}"
    own = {"iss": ISSUER, "aud": "sts.amazonaws.com", "sub": subject, "ref": "refs/heads/main"}
    claims = own | claims
    parts = (json.dumps(part).encode() for part in ({"alg": "none"}, claims, {}))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


@pytest.fixture(scope="module")
def cloud(sampled: None) -> Iterator[Cloud]:
    """Bring stack dev up as its deploy role; at the end that role takes it down again."""
    with local_stack.emulated_account(REGION) as account:
        options = prerequisites(account.emulator)
        zone = {"epoch-bootstrap:zone_id": options[f"{PROJECT}:hosted_zone_id"]}
        outputs = pulumi_program.run(
            Deployer(account.emulator, lambda *_: None),
            stack="example",
            config=stack_files.stack_config("example", FOLDER) | zone,
            folder=FOLDER,
        ).values
        role = assume_role(account.emulator, outputs["dev_deploy_role"], _token("dev"))
        changed: list[str] = []
        engine = Deployer(role, lambda resource, _: changed.append(resource.kind.rsplit(":", 1)[1]))
        stack = local_stack.deploy(account, engine, "dev", _config(outputs))
        yield Cloud(
            account=account,
            options=options,
            outputs=outputs,
            role=role,
            engine=engine,
            changed=changed,
            stack=stack,
        )
        engine.destroy()
        assert f"{DEV}-" not in str(_names(account.emulator))


def _names(emulator: MiniStack) -> list[Any]:
    """Return the resources of an account in the services of a stack."""
    return [
        emulator.client("lambda").list_functions()["Functions"],
        emulator.client("apigateway").get_rest_apis()["items"],
        emulator.client("dynamodb").list_tables()["TableNames"],
        emulator.client("logs").describe_log_groups()["logGroups"],
        emulator.client("cloudwatch").list_dashboards()["DashboardEntries"],
        emulator.client("cloudwatch").describe_alarms()["MetricAlarms"],
    ]


def _config(outputs: dict[str, Any]) -> dict[str, str]:
    return plain() | _handed(outputs, "dev")


def _handed(outputs: dict[str, Any], stack: str) -> dict[str, str]:
    """Return the config that an account with a deployer gives a stack."""
    return {
        f"{PROJECT}:kms_key_arn": outputs[f"{stack}_kms_key_arn"],
        f"{PROJECT}:manage_api_gateway_account": "false",
        f"{PROJECT}:permissions_boundary": outputs[f"{stack}_permissions_boundary"],
    }


@pytest.mark.parametrize(
    ("role", "environment", "claims"),
    (
        ("dev_deploy_role", "prod", {}),
        ("dev_deploy_role", "dev", {"sub": "repo:OTHER/REPO:environment:dev"}),
        ("dev_deploy_role", "dev", {"ref": "refs/heads/feature"}),
        ("dev_deploy_role", "dev", {"aud": "https://github.com/OWNER"}),
        ("dev_deploy_role", "dev", {"iss": "https://example.com"}),
        ("pull_request_role", "pull-request", {"ref": "refs/heads/feature"}),
    ),
)
def test_another_environment_repository_or_audience_is_refused(
    cloud: Cloud, role: str, environment: str, claims: dict[str, str]
) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        assume_role(cloud.account.emulator, cloud.outputs[role], _token(environment, **claims))


@pytest.mark.conformance
def test_the_role_suffices_for_a_stack_and_a_change(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cloud.stack.call().status < 300
    cloud.changed.clear()
    cloud.stack.run()
    assert not cloud.changed
    larger = _config(cloud.outputs) | {f"{PROJECT}:memory_mb": "2048"}
    cloud.engine.run("dev", larger)
    assert {"Function", "Alias"} <= set(cloud.changed)
    assert cloud.stack.call().status < 300
    assert cloud.stack.log_lines()[-1]["version"] == "2"

    added = Endpoint(
        method="GET",
        path="/added/{name}",
        summary="Added by a change.",
        path_parameters=(Parameter(name="name", description="Any."),),
        handle=lambda _: Response(status=200, body={}),
        responses={200: {"title": "Added", "type": "object"}},
    )
    declared = (*registry.load_endpoints(), added)
    monkeypatch.setattr(registry, "load_endpoints", lambda: declared)
    cloud.changed.clear()
    cloud.engine.run("dev", larger)
    assert {"Deployment", "Stage"} <= set(cloud.changed)
    assert not {"Function", "Permission", "Table"} & set(cloud.changed)
    assert cloud.stack.call(method="GET", path="/added/x").status == 404
    assert cloud.stack.log_lines()[-1]["route"] == "unknown"  # it came through to the function


@pytest.mark.usefixtures("jobs")
def test_the_role_suffices_for_every_option_and_every_kind_of_job(cloud: Cloud) -> None:
    role = assume_role(cloud.account.emulator, cloud.outputs["prod_deploy_role"], _token("prod"))
    config = plain() | cloud.options | _handed(cloud.outputs, "prod")
    del config[f"{PROJECT}:kms_key_arn"]  # excludes the replicas
    # MiniStack authorizes AWS Backup and AWS Budgets on "*" only, and by other actions than AWS.
    del config[f"{PROJECT}:backup_days"], config[f"{PROJECT}:monthly_budget_usd"]
    with beside(cloud.account, "prod", config, Deployer(role, lambda *_: None)) as stack:
        assert len(stack.outputs["api_keys"]) == 2


@pytest.mark.usefixtures("jobs")
def test_the_role_of_pull_requests_suffices_for_their_stacks_and_reaches_no_other(
    cloud: Cloud,
) -> None:
    token = _token("pull-request", ref="refs/pull/7/merge")
    role = assume_role(cloud.account.emulator, cloud.outputs["pull_request_role"], token)
    config = plain() | {
        f"{PROJECT}:permissions_boundary": cloud.outputs["pull_request_permissions_boundary"]
    }
    with beside(cloud.account, "pr-7", config, Deployer(role, lambda *_: None)) as stack:
        assert stack.call().status < 300
    for table in (OWN_TABLE, cloud.stack.outputs["table_name"]):
        with pytest.raises(ClientError, match="AccessDenied"):
            role.client("dynamodb").delete_table(TableName=table)
    with pytest.raises(ClientError, match="AccessDenied"):
        role.client("lambda").delete_function(FunctionName=cloud.stack.outputs["function_name"])


@pytest.fixture(scope="module")
def foreign(cloud: Cloud) -> Iterator[dict[str, str]]:
    """Return the other names in the account: `{other_…}` without tags, `{own_…}` its own,
    the rest another stack's."""
    root = cloud.account.emulator
    principal = {"Service": "lambda.amazonaws.com"}
    allow = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    admin = root.client("iam").create_role(RoleName="admin", AssumeRolePolicyDocument=trust)
    for table in (OWN_TABLE, f"{PROD}-things", f"{DEV}_eu-things", "other"):
        root.client("dynamodb").create_table(TableName=table, **TABLE)
    root.client("lambda").create_function(
        FunctionName=f"{PROD}-function", Role=admin["Role"]["Arn"], **CODE
    )
    gateway = root.client("apigateway")
    tags = {"project": PROJECT, "stack": "prod"}
    other = gateway.create_rest_api(name="other")["id"]
    (root_resource,) = gateway.get_resources(restApiId=other)["items"]
    method = {"restApiId": other, "resourceId": root_resource["id"], "httpMethod": "GET"}
    gateway.put_method(**method, authorizationType="NONE")
    gateway.put_integration(**method, type="MOCK")
    deployment = gateway.create_deployment(restApiId=other)["id"]
    gateway.create_stage(restApiId=other, stageName="dev", deploymentId=deployment)
    gateway.create_domain_name(domainName="other.example.com")
    acl = {
        "Name": "other",
        "Scope": "REGIONAL",
        "DefaultAction": {"Allow": {}},
        "VisibilityConfig": {
            "SampledRequestsEnabled": False,
            "CloudWatchMetricsEnabled": False,
            "MetricName": "other",
        },
    }
    firewall = root.client("wafv2").create_web_acl(**acl)["Summary"]
    root.client("logs").create_log_group(logGroupName="other")
    own = root.client("lambda").get_function_configuration(
        FunctionName=cloud.stack.outputs["function_name"]
    )["Role"]
    yield {
        "trust": trust,
        "admin": admin["Role"]["Arn"],
        "api": gateway.create_rest_api(name="prod", tags=tags)["id"],
        "key": gateway.create_api_key(name="prod", tags=tags)["id"],
        "other_acl": firewall["ARN"],
        "other_acl_id": firewall["Id"],
        "other_api": other,
        "other_api_key": gateway.create_api_key(name="other")["id"],
        "other_key": root.client("kms").create_key()["KeyMetadata"]["KeyId"],
        "other_plan": gateway.create_usage_plan(name="other")["id"],
        "other_stage": f"arn:aws:apigateway:{REGION}::/restapis/{other}/stages/dev",
        "own_key": cloud.outputs["dev_kms_key_arn"],
        "own_role": own,
        "own_role_name": own.rsplit("/", 1)[1],
        "boundary": cloud.outputs["dev_permissions_boundary"],
        "prod_boundary": cloud.outputs["prod_permissions_boundary"],
        "prod_key": cloud.outputs["prod_kms_key_arn"],
    }
    root.client("dynamodb").delete_table(TableName=OWN_TABLE)


ALLOW = {"Effect": "Allow", "Action": "*", "Resource": "*"}
ANYTHING = json.dumps({"Version": "2012-10-17", "Statement": [ALLOW]})
TABLE = {
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [{"AttributeName": "key", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "key", "AttributeType": "S"}],
}
CODE = {
    "Runtime": f"python{PYTHON_VERSION}",
    "Handler": "main.handler",
    "Code": {"ZipFile": b"PK\x05\x06" + bytes(18)},
}
ROLE = {"AssumeRolePolicyDocument": "{trust}"}
OWN_PATH = {"RoleName": f"{DEV}-new", "Path": f"/{PROJECT}/dev/", **ROLE}
STACK_TAGS = {"project": PROJECT, "stack": "dev"}
TAG_LIST = [{"Key": key, "Value": value} for key, value in STACK_TAGS.items()]

Call = tuple[str, str, dict[str, Any]]


def _call(service: str, operation: str, **request: Any) -> Call:
    return service, operation, request


def _gateway_attacks() -> Iterator[tuple[str, Call]]:
    """Yield the calls that change other stacks' resources in API Gateway."""
    patch = [{"op": "replace", "path": "/description", "value": "x"}]
    for kind, place, owner in (
        ("rest_api", "restapis/{other_api}", {"restApiId": "{other_api}"}),
        ("api_key", "apikeys/{other_api_key}", {"apiKey": "{other_api_key}"}),
        ("usage_plan", "usageplans/{other_plan}", {"usagePlanId": "{other_plan}"}),
        ("domain_name", "domainnames/other.example.com", {"domainName": "other.example.com"}),
        (
            "stage",
            "restapis/{other_api}/stages/dev",
            {"restApiId": "{other_api}", "stageName": "dev"},
        ),
    ):
        arn = f"arn:aws:apigateway:{REGION}::/{place}"
        tag = _call("apigateway", "tag_resource", resourceArn=arn, tags=STACK_TAGS)
        yield f"tagging a {kind}", tag
        change = _call("apigateway", f"update_{kind}", **owner, patchOperations=patch)
        yield f"changing a {kind}", change
        yield f"deleting a {kind}", _call("apigateway", f"delete_{kind}", **owner)


# Resources without tags, of every kind that tags alone tell apart. The names tell the others.
UNTAGGED: dict[str, Call] = {
    **dict(_gateway_attacks()),
    "a firewall for a stage": _call(
        "wafv2", "associate_web_acl", WebACLArn="{other_acl}", ResourceArn="{other_stage}"
    ),
    "no firewall for a stage": _call("wafv2", "disassociate_web_acl", ResourceArn="{other_stage}"),
    "tagging a firewall": _call("wafv2", "tag_resource", ResourceARN="{other_acl}", Tags=TAG_LIST),
    "deleting a firewall": _call(
        "wafv2",
        "delete_web_acl",
        Name="other",
        Scope="REGIONAL",
        Id="{other_acl_id}",
        LockToken="x",
    ),
    "tagging a key": _call(
        "kms",
        "tag_resource",
        KeyId="{other_key}",
        Tags=[{"TagKey": key, "TagValue": value} for key, value in STACK_TAGS.items()],
    ),
    "changing a key": _call(
        "kms", "put_key_policy", KeyId="{other_key}", PolicyName="default", Policy=ANYTHING
    ),
    "disabling a key": _call("kms", "disable_key", KeyId="{other_key}"),
    "deleting a key": _call("kms", "schedule_key_deletion", KeyId="{other_key}"),
}


REFUSED: dict[str, Call] = {
    "another table": _call("dynamodb", "create_table", TableName="other", **TABLE),
    "another stack's table": _call("dynamodb", "delete_table", TableName=f"{PROD}-things"),
    "another stack's function": _call(
        "lambda",
        "update_function_code",
        FunctionName=f"{PROD}-function",
        ZipFile=b"PK\x05\x06" + bytes(18),
    ),
    "another function": _call(
        "lambda", "create_function", FunctionName="other", Role="{own_role}", **CODE
    ),
    "passing another role": _call(
        "lambda", "create_function", FunctionName=f"{DEV}-function-x", Role="{admin}", **CODE
    ),
    "passing another role to API Gateway": _call(
        "apigateway",
        "update_account",
        patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": "{admin}"}],
    ),
    "a role outside its path": _call(
        "iam", "create_role", RoleName=f"{DEV}-new", **ROLE, PermissionsBoundary="{boundary}"
    ),
    "a role without the boundary": ("iam", "create_role", OWN_PATH),
    "a role with another boundary": _call(
        "iam", "create_role", **OWN_PATH, PermissionsBoundary="{prod_boundary}"
    ),
    "taking the boundary off": _call(
        "iam", "delete_role_permissions_boundary", RoleName="{own_role_name}"
    ),
    "another boundary on its role": _call(
        "iam",
        "put_role_permissions_boundary",
        RoleName="{own_role_name}",
        PermissionsBoundary="{prod_boundary}",
    ),
    "editing the boundary": _call(
        "iam",
        "create_policy_version",
        PolicyArn="{boundary}",
        PolicyDocument=ANYTHING,
        SetAsDefault=True,
    ),
    "deleting the boundary": _call("iam", "delete_policy", PolicyArn="{boundary}"),
    "a policy for another role": _call(
        "iam", "put_role_policy", RoleName="admin", PolicyName="x", PolicyDocument=ANYTHING
    ),
    "a policy for itself": _call(
        "iam", "put_role_policy", RoleName=f"{DEV}-deploy", PolicyName="x", PolicyDocument=ANYTHING
    ),
    "trust in itself": _call(
        "iam", "update_assume_role_policy", RoleName=f"{DEV}-deploy", PolicyDocument="{trust}"
    ),
    "a user": _call("iam", "create_user", UserName="somebody"),
    "an API without the stack's tags": _call("apigateway", "create_rest_api", name="other"),
    "an API with another stack's tags": _call(
        "apigateway", "create_rest_api", name="other", tags={"project": PROJECT, "stack": "prod"}
    ),
    "another stack's API": _call("apigateway", "delete_rest_api", restApiId="{api}"),
    "what lies under another stack's API": _call(
        "apigateway", "create_deployment", restApiId="{api}"
    ),
    "making another stack's API its own": _call(
        "apigateway",
        "tag_resource",
        resourceArn=f"arn:aws:apigateway:{REGION}::/restapis/" + "{api}",
        tags={"project": PROJECT, "stack": "dev"},
    ),
    "another stack's key": _call("apigateway", "get_api_key", apiKey="{key}", includeValue=True),
    "another dashboard": _call(
        "cloudwatch", "put_dashboard", DashboardName="other", DashboardBody="{}"
    ),
    "another alarm": _call("cloudwatch", "delete_alarms", AlarmNames=["other"]),
    "another log group": _call("logs", "delete_log_group", logGroupName="other"),
    "another topic": _call("sns", "create_topic", Name="other"),
    "a key of KMS": _call("kms", "create_key"),
    "an alias for its key": _call(
        "kms", "create_alias", AliasName=f"alias/{DEV}", TargetKeyId="{own_key}"
    ),
    "another policy for its key": _call(
        "kms", "put_key_policy", KeyId="{own_key}", PolicyName="default", Policy=ANYTHING
    ),
    "deleting its key": _call("kms", "schedule_key_deletion", KeyId="{own_key}"),
    "another stack's key of KMS": _call("kms", "describe_key", KeyId="{prod_key}"),
    "a table that begins as its own": _call(
        "dynamodb", "delete_table", TableName=f"{DEV}_eu-things"
    ),
    "the items of its own table": _call("dynamodb", "scan", TableName=OWN_TABLE),
    "the account's settings": _call(
        "apigateway",
        "update_account",
        patchOperations=[{"op": "replace", "path": "/features", "value": "x"}],
    ),
    "another API's execution log": _call(
        "logs", "delete_log_group", logGroupName="API-Gateway-Execution-Logs_abc/dev"
    ),
    **{f"untagged: {what}": attack for what, attack in UNTAGGED.items()},
}


def _filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, names) for item in value]
    if isinstance(value, str):
        return re.sub(r"\{(\w+)\}", lambda placeholder: names[placeholder[1]], value)
    return value


@pytest.mark.parametrize("what", REFUSED)
def test_the_role_is_refused(cloud: Cloud, foreign: dict[str, str], what: str) -> None:
    service, operation, request = REFUSED[what]
    with pytest.raises(ClientError, match="AccessDenied|AuthorizationError"):
        getattr(cloud.role.client(service), operation)(**_filled(request, foreign))


def test_a_role_of_the_stack_stays_inside_the_boundary_whatever_its_policy(
    cloud: Cloud, foreign: dict[str, str]
) -> None:
    iam = cloud.role.client("iam")
    name = foreign["own_role_name"]
    iam.put_role_policy(RoleName=name, PolicyName="anything", PolicyDocument=ANYTHING)
    function = assume_role(cloud.account.emulator, foreign["own_role"])
    function.client("dynamodb").scan(TableName=OWN_TABLE)
    with pytest.raises(ClientError, match="AccessDenied"):
        function.client("dynamodb").scan(TableName=f"{PROD}-things")
    with pytest.raises(ClientError, match="AccessDenied"):
        function.client("iam").create_user(UserName="somebody")
    with pytest.raises(ClientError, match="AccessDenied"):
        function.client("logs").filter_log_events(logGroupName="other")
    iam.delete_role_policy(RoleName=name, PolicyName="anything")


@pytest.mark.usefixtures("foreign")
def test_a_preview_sees_the_stack_and_changes_nothing(cloud: Cloud) -> None:
    preview = cloud.preview()
    name = cloud.stack.outputs["function_name"]
    assert preview.client("dynamodb").describe_table(TableName=OWN_TABLE)
    assert preview.client("lambda").get_function(FunctionName=name)
    gateway = cloud.account.emulator.client("apigateway")
    (key,) = (k["id"] for k in gateway.get_api_keys()["items"] if f"{DEV}" in k["name"])
    (plan,) = (p["id"] for p in gateway.get_usage_plans()["items"] if f"{DEV}" in p["name"])
    assert preview.client("apigateway").get_usage_plan(usagePlanId=plan)
    for service, operation, request in (
        ("dynamodb", "delete_table", {"TableName": OWN_TABLE}),
        ("dynamodb", "scan", {"TableName": OWN_TABLE}),
        ("lambda", "invoke", {"FunctionName": name}),
        ("lambda", "delete_function", {"FunctionName": name}),
        ("apigateway", "get_api_key", {"apiKey": key, "includeValue": True}),
        ("apigateway", "get_api_keys", {"includeValues": True}),
        ("apigateway", "get_usage_plan_keys", {"usagePlanId": plan}),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            getattr(preview.client(service), operation)(**request)
