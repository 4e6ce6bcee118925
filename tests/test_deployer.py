"""The deployer: its program under mocks, and its roles at work in the emulator, IAM enforced."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployer import policy
from function import endpoints
from function.contract import Answer, Endpoint, Parameter
from local import deploy, program
from local.ministack import MiniStack
from tests.test_options import prerequisites

FOLDER = program.ROOT / "deployer"
REGION = "eu-central-1"
ISSUER = "https://token.actions.githubusercontent.com"


def _declared() -> list[program.Resource]:
    recorder = program.Recorder()
    program.run(recorder, stack="example", folder=FOLDER)
    return recorder.resources


def test_every_policy_fits_and_every_role_may_carry_its_policies() -> None:
    declared = _declared()
    policies = [r.inputs["policy"] for r in declared if r.kind == "aws:iam/policy:Policy"]
    assert policies and max(map(len, policies)) <= policy.POLICY_SIZE
    roles = [r.inputs["role"] for r in declared if r.kind.endswith(":RolePolicyAttachment")]
    assert max(map(roles.count, roles)) <= policy.POLICIES_PER_ROLE


def test_a_policy_that_grows_is_split() -> None:
    grant = policy.Grant(why="size", resources=("arn:aws:s3:::" + "x" * 2000,), reads=("s3:Get*",))
    documents = policy.documents([grant] * 7, {}, write=False)
    assert len(documents) == 4 and max(map(len, documents)) <= policy.POLICY_SIZE


def test_a_role_is_trusted_by_one_environment_of_one_repository() -> None:
    trusts = {
        r.name: json.loads(r.inputs["assumeRolePolicy"])["Statement"]
        for r in _declared()
        if r.kind == "aws:iam/role:Role"
    }
    assert set(trusts) == {
        *("epoch-dev-deploy", "epoch-dev-preview", "epoch-prod-deploy", "epoch-prod-preview")
    }
    for name, (statement,) in trusts.items():
        environment = name.removeprefix("epoch-").removesuffix("-deploy")
        assert statement["Condition"] == {
            "StringEquals": {
                "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                "token.actions.githubusercontent.com:sub": (
                    f"repo:OWNER/REPO:environment:{environment}"
                ),
            }
        }


def test_a_preview_only_reads() -> None:
    actions = {action.split(":")[1] for grant in policy.GRANTS for action in grant.reads}
    reading = ("Get", "List", "Describe", "GET", "Decrypt")
    assert not [action for action in actions if not action.startswith(reading)]


def test_a_grant_that_names_no_stack_is_conditional_or_says_why() -> None:
    for grant in policy.GRANTS + policy.BOUNDARY:
        named = all("{stack}" in resource or grant.given for resource in grant.resources)
        assert named or grant.condition or len(grant.why.split()) > 5, grant.why


def test_what_the_account_does_not_have_is_not_granted() -> None:
    names = dict.fromkeys(("account", "boundary", "project", "region", "stack"), "x")
    granted = "".join(policy.documents(policy.GRANTS, names, write=True))
    assert "s3:" not in granted and "route53:" not in granted


@dataclass
class Cloud:
    """An account that the deployer has prepared, with a stack that a deploy role brought up."""

    account: deploy.Account
    options: dict[str, str]
    outputs: dict[str, Any]
    role: MiniStack
    engine: deploy.Deployer
    changed: list[str]  # the types that the engine made or updated
    stack: deploy.LocalStack

    def preview(self) -> MiniStack:
        """Return the emulator as the preview role sees it."""
        return self.account.emulator.acting_as(
            self.outputs["dev_preview_role"], _token("dev-preview")
        )


def _token(environment: str, **claims: str) -> str:
    """Return a token as GitHub gives it to a job, unsigned: the emulator reads its claims."""
    subject = f"repo:OWNER/REPO:environment:{environment}"
    claims = {"iss": ISSUER, "aud": "sts.amazonaws.com", "sub": subject, **claims}
    parts = (json.dumps(part).encode() for part in ({"alg": "none"}, claims, {}))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    """Bring stack dev up as its deploy role; at the end that role takes it down again."""
    with deploy.account(REGION) as account:
        options = prerequisites(account.emulator)
        zone = {"epoch-deployer:zone_id": options["epoch:hosted_zone_id"]}
        outputs = program.run(
            deploy.Deployer(account.emulator, REGION, lambda *_: None),
            stack="example",
            config=program.stack_config("example", FOLDER) | zone,
            folder=FOLDER,
        ).values
        role = account.emulator.acting_as(outputs["dev_deploy_role"], _token("dev"))
        changed: list[str] = []
        engine = deploy.Deployer(
            role, REGION, lambda resource, _: changed.append(resource.kind.rsplit(":", 1)[1])
        )
        run = partial(engine.run, "dev", _config(outputs))
        stack = deploy.LocalStack(
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
        assert "epoch-dev" not in str(_names(account.emulator))


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
    boundary = {"epoch:permissions_boundary": outputs["dev_permissions_boundary"]}
    return program.stack_config("dev") | boundary


@pytest.mark.parametrize(
    ("role", "environment", "claims"),
    (
        ("dev_deploy_role", "prod", {}),
        ("prod_deploy_role", "dev", {}),
        ("dev_deploy_role", "dev-preview", {}),
        ("dev_deploy_role", "dev", {"sub": "repo:OTHER/REPO:environment:dev"}),
        ("dev_deploy_role", "dev", {"sub": "repo:OWNER/REPO:ref:refs/heads/main"}),
        ("dev_deploy_role", "dev", {"aud": "https://github.com/OWNER"}),
        ("dev_deploy_role", "dev", {"iss": "https://example.com"}),
    ),
)
def test_another_environment_repository_or_audience_is_refused(
    cloud: Cloud, role: str, environment: str, claims: dict[str, str]
) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        cloud.account.emulator.acting_as(cloud.outputs[role], _token(environment, **claims))


def test_the_role_suffices_for_a_stack_and_a_change(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cloud.stack.call().status == 201
    cloud.changed.clear()
    cloud.stack.run()
    assert not cloud.changed
    larger = _config(cloud.outputs) | {"epoch:memory_mb": "2048"}
    cloud.engine.run("dev", larger)
    assert {"Function", "Alias"} <= set(cloud.changed)
    assert cloud.stack.call().status == 201
    assert cloud.stack.log_lines()[-1]["version"] == "2"

    added = Endpoint(
        method="GET",
        path="/added/{name}",
        summary="Added by a change.",
        path_parameters=(Parameter(name="name", description="Any."),),
        handle=lambda _: Answer(status=200, body={}),
        answers={200: {"title": "Added", "type": "object"}},
    )
    declared = (*endpoints.declared(), added)
    monkeypatch.setattr(endpoints, "declared", lambda: declared)
    cloud.changed.clear()
    cloud.engine.run("dev", larger)
    assert {"Permission", "Deployment", "Stage"} <= set(cloud.changed)
    assert not {"Function", "Table"} & set(cloud.changed)
    assert cloud.stack.call(method="GET", path="/added/x").status == 404
    assert cloud.stack.log_lines()[-1]["route"] == "unknown"  # it came through to the function


@pytest.mark.usefixtures("jobs")
def test_the_role_suffices_for_every_option_and_every_kind_of_job(cloud: Cloud) -> None:
    role = cloud.account.emulator.acting_as(cloud.outputs["prod_deploy_role"], _token("prod"))
    boundary = {"epoch:permissions_boundary": cloud.outputs["prod_permissions_boundary"]}
    config = cloud.options | boundary
    with deploy.up_in(cloud.account, "prod", deployer=role, config=config) as stack:
        assert len(stack.outputs["api_keys"]) == 2


@pytest.fixture(scope="module")
def foreign(cloud: Cloud) -> dict[str, str]:
    """Return what somebody else has in the account."""
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
    root.client("dynamodb").create_table(
        TableName="epoch-prod-epochs",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
    )
    lambda_ = root.client("lambda")
    lambda_.create_function(
        FunctionName="epoch-prod-function",
        Runtime="python3.13",
        Handler="main.handler",
        Role=admin["Role"]["Arn"],
        Code={"ZipFile": b"PK\x05\x06" + bytes(18)},
    )
    gateway = root.client("apigateway")
    tags = {"project": "epoch", "stack": "prod"}
    own = root.client("lambda").get_function_configuration(
        FunctionName=cloud.stack.outputs["function_name"]
    )["Role"]
    return {
        "trust": trust,
        "admin": admin["Role"]["Arn"],
        "api": gateway.create_rest_api(name="prod", tags=tags)["id"],
        "key": gateway.create_api_key(name="prod", tags=tags)["id"],
        "own_role": own,
        "own_role_name": own.rsplit("/", 1)[1],
        "boundary": cloud.outputs["dev_permissions_boundary"],
        "prod_boundary": cloud.outputs["prod_permissions_boundary"],
    }


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
    "Runtime": "python3.13",
    "Handler": "main.handler",
    "Code": {"ZipFile": b"PK\x05\x06" + bytes(18)},
}
ROLE = {"AssumeRolePolicyDocument": "{trust}"}
OWN_PATH = {"RoleName": "epoch-dev-new", "Path": "/epoch/dev/", **ROLE}

REFUSED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "another table": ("dynamodb", "create_table", {"TableName": "other", **TABLE}),
    "another stack's table": ("dynamodb", "delete_table", {"TableName": "epoch-prod-epochs"}),
    "another stack's function": (
        "lambda",
        "update_function_code",
        {"FunctionName": "epoch-prod-function", "ZipFile": b"PK\x05\x06" + bytes(18)},
    ),
    "another function": (
        "lambda",
        "create_function",
        {"FunctionName": "other", "Role": "{own_role}", **CODE},
    ),
    "passing another role": (
        "lambda",
        "create_function",
        {"FunctionName": "epoch-dev-function-x", "Role": "{admin}", **CODE},
    ),
    "passing another role to API Gateway": (
        "apigateway",
        "update_account",
        {"patchOperations": [{"op": "replace", "path": "/cloudwatchRoleArn", "value": "{admin}"}]},
    ),
    "a role outside its path": (
        "iam",
        "create_role",
        {"RoleName": "epoch-dev-new", **ROLE, "PermissionsBoundary": "{boundary}"},
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
        {"RoleName": "epoch-dev-deploy", "PolicyName": "x", "PolicyDocument": ANYTHING},
    ),
    "trust in itself": (
        "iam",
        "update_assume_role_policy",
        {"RoleName": "epoch-dev-deploy", "PolicyDocument": "{trust}"},
    ),
    "a user": ("iam", "create_user", {"UserName": "somebody"}),
    "an API without the stack's tags": ("apigateway", "create_rest_api", {"name": "other"}),
    "an API with another stack's tags": (
        "apigateway",
        "create_rest_api",
        {"name": "other", "tags": {"project": "epoch", "stack": "prod"}},
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
            "tags": {"project": "epoch", "stack": "dev"},
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
    "another key of KMS": ("kms", "create_key", {}),
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
    function = cloud.account.emulator.acting_as(foreign["own_role"])
    function.client("dynamodb").scan(TableName=cloud.stack.outputs["table_name"])
    with pytest.raises(ClientError, match="AccessDenied"):
        function.client("dynamodb").scan(TableName="epoch-prod-epochs")
    with pytest.raises(ClientError, match="AccessDenied"):
        function.client("iam").create_user(UserName="somebody")
    iam.delete_role_policy(RoleName=name, PolicyName="anything")


def test_a_preview_sees_the_stack_and_changes_nothing(cloud: Cloud) -> None:
    preview = cloud.preview()
    table = cloud.stack.outputs["table_name"]
    name = cloud.stack.outputs["function_name"]
    assert preview.client("dynamodb").describe_table(TableName=table)
    assert preview.client("lambda").get_function(FunctionName=name)
    for service, operation, request in (
        ("dynamodb", "delete_table", {"TableName": table}),
        ("dynamodb", "scan", {"TableName": table}),
        ("lambda", "invoke", {"FunctionName": name}),
        ("lambda", "delete_function", {"FunctionName": name}),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            getattr(preview.client(service), operation)(**request)
