"""The deployer: its program under mocks, and its roles at work in the emulator, IAM enforced."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import filter as filter_names
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

import pulumi
import pytest
from botocore.exceptions import ClientError

from bootstrap import policies as policy
from components import ConfigError, resource_prefix
from components.iam import policies as permissions
from components.packaging.bytecode import PYTHON_VERSION
from function.declare import job_registry, permission, registry
from function.declare.endpoint import Response, Endpoint, Parameter
from function.declare.permission import ServicePermission
from function.declare.setting import Setting
from local import deployment, pulumi_program, stack_files
from local import stack as local_stack
from local.ministack import MiniStack
from tests.conftest import PROJECT, STACK, plain
from tests.e2e.test_options import prerequisites

FOLDER = stack_files.ROOT / "bootstrap"
REGION = "eu-central-1"
DEV, PROD = (resource_prefix(PROJECT, stack) for stack in ("dev", "prod"))
# Beside those that the service may declare.
OWN_TABLE = f"{DEV}-things"
ISSUER = "https://token.actions.githubusercontent.com"


def _declared(**config: str) -> list[pulumi_program.Resource]:
    recorder, given = pulumi_program.MockEngine(), stack_files.stack_config("example", FOLDER)
    own = {f"epoch-bootstrap:{key}": value for key, value in config.items()}
    pulumi_program.run(recorder, stack="example", config=given | own, folder=FOLDER)
    return recorder.resources


def test_an_option_that_nobody_knows_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match=r"stacks.dev: replica must be one of replicas"):
        _declared(stacks='{"dev": ["replica"]}')


def test_every_policy_fits_and_every_role_may_carry_its_policies() -> None:
    declared = _declared()
    policies = [r.inputs["policy"] for r in declared if r.kind == "aws:iam/policy:Policy"]
    assert policies and max(map(len, policies)) <= policy.POLICY_SIZE
    roles = [r.inputs["role"] for r in declared if r.kind.endswith(":RolePolicyAttachment")]
    assert max(map(roles.count, roles)) <= policy.POLICIES_PER_ROLE


def test_a_policy_that_grows_is_split() -> None:
    grant = policy.Grant("size", ("arn:aws:s3:::" + "x" * 2000,), reads="s3:Get*")
    documents = policy.documents([grant] * 7, {}, write=False)
    assert len(documents) == 4 and max(map(len, documents)) <= policy.POLICY_SIZE


def test_a_role_is_trusted_by_one_environment_of_one_repository() -> None:
    trusts = {
        r.name: json.loads(r.inputs["assumeRolePolicy"])["Statement"]
        for r in _declared()
        if r.kind == "aws:iam/role:Role" and "Federated" in r.inputs["assumeRolePolicy"]
    }
    assert set(trusts) == {
        *(
            f"{DEV}-deploy",
            f"{DEV}-preview",
            f"{PROD}-deploy",
            f"{PROD}-preview",
        )
    }
    for name, (statement,) in trusts.items():
        environment = name.partition("-")[2].removesuffix("-deploy")
        assert statement["Condition"] == {
            "StringEquals": {
                "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                "token.actions.githubusercontent.com:sub": (
                    f"repo:OWNER/REPO:environment:{environment}"
                ),
                "token.actions.githubusercontent.com:ref": "refs/heads/main",
            }
        }


def test_a_preview_only_reads() -> None:
    actions = {
        action.split(":")[1] for grant in policy.GRANTS for action in grant.actions(write=False)
    }
    reading = ("Get", "List", "Describe", "GET", "Decrypt")
    assert not [action for action in actions if not action.startswith(reading)]


def test_a_grant_that_names_no_stack_is_conditional_or_says_why() -> None:
    for grant in policy.GRANTS + policy.BOUNDARY:
        named = all(
            re.search("{(bucket|stack|name|rule)}", resource) or grant.requires
            for resource in grant.resources
        )
        assert named or grant.condition or len(grant.why.split()) > 5, grant.why


NAMES = dict.fromkeys(
    ("account", "boundary", "bucket", "name", "partition", "project", "region", "rule", "stack"),
    "x",
)


def test_what_the_account_or_the_stack_does_not_have_is_not_granted() -> None:
    granted = "".join(policy.documents(policy.GRANTS, NAMES, write=True))
    assert {*re.findall(r"arn:x:s3:::([^\"]*)", granted)} == {"x-*"}  # its own buckets
    assert "route53:" not in granted
    # Items are AWS's to copy, for replicas alone.
    assert "dynamodb:GetItem" not in granted and "alias/aws/dynamodb" not in granted
    with_replicas = "".join(policy.documents(policy.GRANTS, {**NAMES, "replicas": ""}, write=True))
    assert "dynamodb:GetItem" in with_replicas and "alias/aws/dynamodb" in with_replicas


def test_all_that_an_endpoint_may_declare_is_inside_the_boundary() -> None:
    allowed = [action for grant in policy.BOUNDARY for action in grant.actions()]
    outside = [
        action
        for action in permission.ACTIONS
        if not any(fnmatchcase(action, pattern) for pattern in allowed)
    ]
    assert not outside


def _declare(monkeypatch: pytest.MonkeyPatch, *access: ServicePermission, **setting: Any) -> None:
    """Let the only endpoint have this access, and the only setting be a `bus`."""
    endpoint = registry.load_endpoints()[0]._replace(permissions=access)
    bus = Setting("bus", str, description="A bus.", **setting)
    monkeypatch.setattr(registry, "load_endpoints", lambda: (endpoint,))
    monkeypatch.setattr(job_registry, "load_jobs", dict)
    monkeypatch.setattr(registry, "load_settings", lambda: {"bus": bus})


BUS = ServicePermission("events", "arn:aws:events:*:*:event-bus/{bus}", ("events:PutEvents",))


def _boundaries() -> dict[str, Any]:
    return {
        r.name: {s["Resource"][0]: s["Action"] for s in json.loads(r.inputs["policy"])["Statement"]}
        for r in _declared()
        if r.kind == "aws:iam/policy:Policy" and r.name.endswith("-boundary")
    }


def test_a_boundary_takes_in_the_services_that_are_declared_with_the_stacks_own_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _declare(monkeypatch, BUS, default="default")
    monkeypatch.setattr(stack_files, "stacks", lambda: ["prod"])
    given = stack_files.stack_config
    of_prod = {f"{PROJECT}:bus": "sold"}
    monkeypatch.setattr(stack_files, "stack_config", lambda *of: given(*of) if of[1:] else of_prod)
    found = _boundaries()
    for stack, bus in ((DEV, "default"), (PROD, "sold")):
        held = found[f"{stack}-boundary"]
        assert held[f"arn:aws:events:*:*:event-bus/{bus}"] == ["events:PutEvents"]
        assert len([arn for arn in held if ":event-bus/" in arn]) == 1


@pytest.mark.parametrize(
    ("access", "says"),
    (
        (BUS._replace(actions=("iam:PassRole",)), "no permissions boundary may allow iam:PassRole"),
        (BUS, r"Pulumi\.dev\.yaml has no bus: set it, since the ARN of a declared Service"),
        (BUS._replace(resource="arn:" + 6_000 * "x"), "boundary of dev exceeds IAM's 6144 char"),
    ),
)
def test_a_service_that_no_boundary_can_hold_is_refused(
    monkeypatch: pytest.MonkeyPatch, access: ServicePermission, says: str
) -> None:
    _declare(monkeypatch, access)
    monkeypatch.setattr(stack_files, "stacks", list)
    with pytest.raises(pulumi.RunError, match=says):
        _declared()


@pytest.mark.usefixtures("jobs")
def test_the_boundary_holds_nothing_that_no_declaration_asks_for() -> None:
    policies = [
        json.loads(r.inputs["policy"])["Statement"]
        for r in pulumi_program.declared_resources(STACK, config=plain())
        if r.kind == "aws:iam/rolePolicy:RolePolicy"
    ]
    statements = [*sum(policies, []), *permissions.secret_statements(["a secret"])]
    asked = {action for statement in statements for action in statement["Action"]}
    beyond = [
        pattern
        for grant in policy.BOUNDARY
        for pattern in grant.actions()
        # AWS itself asks KMS about a customer key; BucketPermission checks a pattern, not a list.
        if not pattern.startswith(("kms:", "s3:"))
        and not filter_names(asked | permission.ACTIONS, pattern)
    ]
    assert not beyond


def test_no_deploy_role_makes_changes_or_tags_a_key() -> None:
    using = {"CreateGrant", "Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncrypt"}
    for grant in policy.GRANTS + policy.BOUNDARY:
        of_keys = {a.split(":")[1].rstrip("*") for a in grant.actions() if "kms:" in a}
        assert of_keys <= using, grant.why
        assert "kms:CreateGrant" not in grant.actions() or "Bool" in grant.condition


@pytest.mark.parametrize(
    ("one", "other"),
    (
        (("shop", "dev"), ("shop", "dev-eu")),
        (("shop", "dev"), ("shop-dev", "eu")),
        (("shop", "eu-dev"), ("shop-eu", "dev")),
    ),
)
def test_no_stacks_names_begin_with_anothers(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert not resource_prefix(*other).startswith(f"{resource_prefix(*one)}-") and resource_prefix(
        *one
    ) != resource_prefix(*other)


@pytest.mark.parametrize("stack", ("dev_eu", "dev.eu", ""))
def test_a_name_that_could_be_taken_for_anothers_is_refused(stack: str) -> None:
    with pytest.raises(ConfigError, match="must be letters, digits and '-'"):
        resource_prefix("shop", stack)


@dataclass
class Cloud:
    """An account that the deployer has prepared, with a stack that a deploy role brought up."""

    account: local_stack.Account
    options: dict[str, str]
    outputs: dict[str, Any]
    role: MiniStack
    engine: deployment.Deployer
    changed: list[str]  # the types that the engine made or updated
    stack: local_stack.LocalStack

    def preview(self) -> MiniStack:
        """Return the emulator as the preview role sees it."""
        return self.account.emulator.assume_role(
            self.outputs["dev_preview_role"], _token("dev-preview")
        )


def _token(environment: str, **claims: str) -> str:
    """Return a token as GitHub gives it to a job, unsigned: the emulator reads its claims."""
    subject = f"repo:OWNER/REPO:environment:{environment}"
    own = {"iss": ISSUER, "aud": "sts.amazonaws.com", "sub": subject, "ref": "refs/heads/main"}
    claims = own | claims
    parts = (json.dumps(part).encode() for part in ({"alg": "none"}, claims, {}))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


@pytest.fixture(scope="module")
def cloud(sampled: None) -> Iterator[Cloud]:  # pylint: disable=unused-argument
    """Bring stack dev up as its deploy role; at the end that role takes it down again."""
    with local_stack.emulated_account(REGION) as account:
        options = prerequisites(account.emulator)
        zone = {"epoch-bootstrap:zone_id": options[f"{PROJECT}:hosted_zone_id"]}
        outputs = pulumi_program.run(
            deployment.Deployer(account.emulator, REGION, lambda *_: None),
            stack="example",
            config=stack_files.stack_config("example", FOLDER) | zone,
            folder=FOLDER,
        ).values
        role = account.emulator.assume_role(outputs["dev_deploy_role"], _token("dev"))
        changed: list[str] = []
        engine = deployment.Deployer(
            role, REGION, lambda resource, _: changed.append(resource.kind.rsplit(":", 1)[1])
        )
        run = partial(engine.run, "dev", _config(outputs))
        stack = local_stack.LocalStack(
            run=run,
            outputs=run().values,
            emulator=account.emulator,
            deployer=role,
            traces=account.traces,
        )
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
    """Return what an account holds of the services that a stack is made of."""
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
        ("prod_deploy_role", "dev", {}),
        ("dev_deploy_role", "dev-preview", {}),
        ("dev_deploy_role", "dev", {"sub": "repo:OTHER/REPO:environment:dev"}),
        ("dev_deploy_role", "dev", {"sub": "repo:OWNER/REPO:ref:refs/heads/main"}),
        ("dev_deploy_role", "dev", {"ref": "refs/heads/feature"}),
        ("dev_preview_role", "dev-preview", {"ref": "refs/pull/7/merge"}),
        ("dev_deploy_role", "dev", {"aud": "https://github.com/OWNER"}),
        ("dev_deploy_role", "dev", {"iss": "https://example.com"}),
    ),
)
def test_another_environment_repository_or_audience_is_refused(
    cloud: Cloud, role: str, environment: str, claims: dict[str, str]
) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        cloud.account.emulator.assume_role(cloud.outputs[role], _token(environment, **claims))


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
    role = cloud.account.emulator.assume_role(cloud.outputs["prod_deploy_role"], _token("prod"))
    config = plain() | cloud.options | _handed(cloud.outputs, "prod")
    del config[f"{PROJECT}:kms_key_arn"]  # excludes the replicas
    with local_stack.up_in_account(cloud.account, "prod", deployer=role, config=config) as stack:
        assert len(stack.outputs["api_keys"]) == 2


@pytest.fixture(scope="module")
def foreign(cloud: Cloud) -> Iterator[dict[str, str]]:
    """Return what is in the account beside the stack: `{other_…}` without tags, `{own_…}` its own,
    the rest another stack's."""
    root = cloud.account.emulator
    trust = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
    )
    admin = root.client("iam").create_role(RoleName="admin", AssumeRolePolicyDocument=trust)
    for table in (OWN_TABLE, f"{PROD}-things", f"{DEV}_eu-things", "other"):
        root.client("dynamodb").create_table(TableName=table, **TABLE)
    for function in (f"{PROD}-function", "other"):
        root.client("lambda").create_function(
            FunctionName=function, Role=admin["Role"]["Arn"], **CODE
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
        "other_topic": root.client("sns").create_topic(Name="other")["TopicArn"],
        "other_stage": f"arn:aws:apigateway:{REGION}::/restapis/{other}/stages/dev",
        "own_key": cloud.outputs["dev_kms_key_arn"],
        "own_role": own,
        "own_role_name": own.rsplit("/", 1)[1],
        "boundary": cloud.outputs["dev_permissions_boundary"],
        "prod_boundary": cloud.outputs["prod_permissions_boundary"],
        "prod_key": cloud.outputs["prod_kms_key_arn"],
    }
    root.client("dynamodb").delete_table(TableName=OWN_TABLE)


ANYTHING = (
    '{"Version": "2012-10-17", '
    '"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
)
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


def _gateway_attacks() -> Iterator[tuple[str, tuple[str, str, dict[str, Any]]]]:
    """Yield what can be done to what API Gateway has of others."""
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
        yield f"tagging a {kind}", (
            "apigateway",
            "tag_resource",
            {"resourceArn": arn, "tags": STACK_TAGS},
        )
        patch = [{"op": "replace", "path": "/description", "value": "x"}]
        yield f"changing a {kind}", (
            "apigateway",
            f"update_{kind}",
            {**owner, "patchOperations": patch},
        )
        yield f"deleting a {kind}", ("apigateway", f"delete_{kind}", owner)


# What somebody has without tags, of every kind that a role deals with: service, call and request.
UNTAGGED: dict[str, tuple[str, str, dict[str, Any]]] = {
    **dict(_gateway_attacks()),
    "a firewall for a stage": (
        "wafv2",
        "associate_web_acl",
        {"WebACLArn": "{other_acl}", "ResourceArn": "{other_stage}"},
    ),
    "no firewall for a stage": (
        "wafv2",
        "disassociate_web_acl",
        {"ResourceArn": "{other_stage}"},
    ),
    "tagging a firewall": (
        "wafv2",
        "tag_resource",
        {"ResourceARN": "{other_acl}", "Tags": TAG_LIST},
    ),
    "deleting a firewall": (
        "wafv2",
        "delete_web_acl",
        {"Name": "other", "Scope": "REGIONAL", "Id": "{other_acl_id}", "LockToken": "x"},
    ),
    "tagging a key": (
        "kms",
        "tag_resource",
        {
            "KeyId": "{other_key}",
            "Tags": [{"TagKey": key, "TagValue": value} for key, value in STACK_TAGS.items()],
        },
    ),
    "changing a key": (
        "kms",
        "put_key_policy",
        {"KeyId": "{other_key}", "PolicyName": "default", "Policy": ANYTHING},
    ),
    "disabling a key": ("kms", "disable_key", {"KeyId": "{other_key}"}),
    "deleting a key": ("kms", "schedule_key_deletion", {"KeyId": "{other_key}"}),
    "tagging a role": ("iam", "tag_role", {"RoleName": "admin", "Tags": TAG_LIST}),
    "deleting a role": ("iam", "delete_role", {"RoleName": "admin"}),
    "tagging a function": (
        "lambda",
        "tag_resource",
        {
            "Resource": f"arn:aws:lambda:{REGION}:000000000000:function:other",
            "Tags": STACK_TAGS,
        },
    ),
    "changing a function": (
        "lambda",
        "update_function_configuration",
        {"FunctionName": "other", "Timeout": 9},
    ),
    "deleting a function": ("lambda", "delete_function", {"FunctionName": "other"}),
    "tagging a table": (
        "dynamodb",
        "tag_resource",
        {
            "ResourceArn": f"arn:aws:dynamodb:{REGION}:000000000000:table/other",
            "Tags": TAG_LIST,
        },
    ),
    "changing a table": (
        "dynamodb",
        "update_table",
        {"TableName": "other", "DeletionProtectionEnabled": False},
    ),
    "deleting a table": ("dynamodb", "delete_table", {"TableName": "other"}),
    "tagging a topic": ("sns", "tag_resource", {"ResourceArn": "{other_topic}", "Tags": TAG_LIST}),
    "changing a topic": (
        "sns",
        "set_topic_attributes",
        {"TopicArn": "{other_topic}", "AttributeName": "DisplayName", "AttributeValue": "x"},
    ),
    "deleting a topic": ("sns", "delete_topic", {"TopicArn": "{other_topic}"}),
    "tagging a log group": (
        "logs",
        "tag_resource",
        {
            "resourceArn": f"arn:aws:logs:{REGION}:000000000000:log-group:other",
            "tags": STACK_TAGS,
        },
    ),
    "changing a log group": (
        "logs",
        "put_retention_policy",
        {"logGroupName": "other", "retentionInDays": 1},
    ),
}

REFUSED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "another table": ("dynamodb", "create_table", {"TableName": "other", **TABLE}),
    "another stack's table": ("dynamodb", "delete_table", {"TableName": f"{PROD}-things"}),
    "another stack's function": (
        "lambda",
        "update_function_code",
        {"FunctionName": f"{PROD}-function", "ZipFile": b"PK\x05\x06" + bytes(18)},
    ),
    "another function": (
        "lambda",
        "create_function",
        {"FunctionName": "other", "Role": "{own_role}", **CODE},
    ),
    "passing another role": (
        "lambda",
        "create_function",
        {"FunctionName": f"{DEV}-function-x", "Role": "{admin}", **CODE},
    ),
    "passing another role to API Gateway": (
        "apigateway",
        "update_account",
        {"patchOperations": [{"op": "replace", "path": "/cloudwatchRoleArn", "value": "{admin}"}]},
    ),
    "a role outside its path": (
        "iam",
        "create_role",
        {"RoleName": f"{DEV}-new", **ROLE, "PermissionsBoundary": "{boundary}"},
    ),
    "a role without the boundary": ("iam", "create_role", OWN_PATH),
    "a role with another boundary": (
        "iam",
        "create_role",
        {**OWN_PATH, "PermissionsBoundary": "{prod_boundary}"},
    ),
    "taking the boundary off": (
        "iam",
        "delete_role_permissions_boundary",
        {"RoleName": "{own_role_name}"},
    ),
    "another boundary on its role": (
        "iam",
        "put_role_permissions_boundary",
        {"RoleName": "{own_role_name}", "PermissionsBoundary": "{prod_boundary}"},
    ),
    "editing the boundary": (
        "iam",
        "create_policy_version",
        {"PolicyArn": "{boundary}", "PolicyDocument": ANYTHING, "SetAsDefault": True},
    ),
    "deleting the boundary": ("iam", "delete_policy", {"PolicyArn": "{boundary}"}),
    "a policy for another role": (
        "iam",
        "put_role_policy",
        {"RoleName": "admin", "PolicyName": "x", "PolicyDocument": ANYTHING},
    ),
    "a policy for itself": (
        "iam",
        "put_role_policy",
        {"RoleName": f"{DEV}-deploy", "PolicyName": "x", "PolicyDocument": ANYTHING},
    ),
    "trust in itself": (
        "iam",
        "update_assume_role_policy",
        {"RoleName": f"{DEV}-deploy", "PolicyDocument": "{trust}"},
    ),
    "a user": ("iam", "create_user", {"UserName": "somebody"}),
    "an API without the stack's tags": ("apigateway", "create_rest_api", {"name": "other"}),
    "an API with another stack's tags": (
        "apigateway",
        "create_rest_api",
        {"name": "other", "tags": {"project": PROJECT, "stack": "prod"}},
    ),
    "another stack's API": ("apigateway", "delete_rest_api", {"restApiId": "{api}"}),
    "what lies under another stack's API": (
        "apigateway",
        "create_deployment",
        {"restApiId": "{api}"},
    ),
    "making another stack's API its own": (
        "apigateway",
        "tag_resource",
        {
            "resourceArn": f"arn:aws:apigateway:{REGION}::/restapis/" + "{api}",
            "tags": {"project": PROJECT, "stack": "dev"},
        },
    ),
    "another stack's key": (
        "apigateway",
        "get_api_key",
        {"apiKey": "{key}", "includeValue": True},
    ),
    "another dashboard": (
        "cloudwatch",
        "put_dashboard",
        {"DashboardName": "other", "DashboardBody": "{}"},
    ),
    "another alarm": ("cloudwatch", "delete_alarms", {"AlarmNames": ["other"]}),
    "another log group": ("logs", "delete_log_group", {"logGroupName": "other"}),
    "another topic": ("sns", "create_topic", {"Name": "other"}),
    "a key of KMS": ("kms", "create_key", {}),
    "an alias for its key": (
        "kms",
        "create_alias",
        {"AliasName": f"alias/{DEV}", "TargetKeyId": "{own_key}"},
    ),
    "another policy for its key": (
        "kms",
        "put_key_policy",
        {"KeyId": "{own_key}", "PolicyName": "default", "Policy": ANYTHING},
    ),
    "deleting its key": ("kms", "schedule_key_deletion", {"KeyId": "{own_key}"}),
    "another stack's key of KMS": ("kms", "describe_key", {"KeyId": "{prod_key}"}),
    "a stack's table whose name goes on": (
        "dynamodb",
        "delete_table",
        {"TableName": f"{DEV}_eu-things"},
    ),
    "the items of its own table": ("dynamodb", "scan", {"TableName": OWN_TABLE}),
    "the account's settings": (
        "apigateway",
        "update_account",
        {"patchOperations": [{"op": "replace", "path": "/features", "value": "x"}]},
    ),
    "another API's execution log": (
        "logs",
        "delete_log_group",
        {"logGroupName": "API-Gateway-Execution-Logs_abc/dev"},
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
    function = cloud.account.emulator.assume_role(foreign["own_role"])
    function.client("dynamodb").scan(TableName=OWN_TABLE)
    with pytest.raises(ClientError, match="AccessDenied"):
        function.client("dynamodb").scan(TableName=f"{PROD}-things")
    with pytest.raises(ClientError, match="AccessDenied"):
        function.client("iam").create_user(UserName="somebody")
    for group, call in (("other", "filter_log_events"), ("other", "create_log_stream")):
        stream = {"logStreamName": "x"} if call == "create_log_stream" else {}
        with pytest.raises(ClientError, match="AccessDenied"):
            getattr(function.client("logs"), call)(logGroupName=group, **stream)
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
