"""The deployer's program under mocks: its roles, policies and boundary."""

import json
import re
from fnmatch import filter as filter_names
from fnmatch import fnmatchcase
from typing import Any

import pulumi
import pytest

from bootstrap import policies as policy
from components import resource_prefix
from function.declare import authorizer_registry, job_registry, permission, registry
from function.declare.authorizer import Authorizer
from function.declare.permission import Link, ServicePermission
from function.declare.setting import Setting
from local import pulumi_program, stack_files
from tests.conftest import PROJECT, STACK, plain

FOLDER = stack_files.ROOT / "bootstrap"
DEV, PROD, PULL_REQUEST = (resource_prefix(PROJECT, stack) for stack in ("dev", "prod", "pr"))


def _declared(**config: str) -> list[pulumi_program.Resource]:
    recorder, given = pulumi_program.MockEngine(), stack_files.stack_config("example", FOLDER)
    own = {f"epoch-bootstrap:{key}": value for key, value in config.items()}
    pulumi_program.run(recorder, stack="example", config=given | own, folder=FOLDER)
    return recorder.resources


def _policies(named: str = "", **config: str) -> dict[str, str]:
    """Return the managed policies by name; with `named`, those whose name begins so."""
    return {
        r.name: r.inputs["policy"]
        for r in _declared(**config)
        if r.kind == "aws:iam/policy:Policy" and r.name.startswith(named)
    }


def test_an_option_that_nobody_knows_is_refused() -> None:
    with pytest.raises(
        pulumi.RunError, match=r"stacks.dev: replica must be one of backup, replicas, vpc"
    ):
        _declared(stacks='{"dev": ["replica"]}')


@pytest.mark.conformance
def test_every_policy_fits_and_every_role_may_carry_its_policies() -> None:
    assert max(map(len, _policies().values())) <= policy.POLICY_SIZE
    roles = [r.inputs["role"] for r in _declared() if r.kind.endswith(":RolePolicyAttachment")]
    assert max(map(roles.count, roles)) <= policy.POLICIES_PER_ROLE


def test_a_policy_that_grows_is_split() -> None:
    grant = policy.Grant("size", ("arn:aws:s3:::" + "x" * 2000,), reads="s3:Get*")
    documents = policy.documents([grant] * 7, {}, write=False)
    assert len(documents) == 4 and max(map(len, documents)) <= policy.POLICY_SIZE


def test_a_role_is_trusted_by_one_environment_and_by_main_or_pull_requests() -> None:
    issuer = "token.actions.githubusercontent.com"
    main, merge = "refs/heads/main", "refs/pull/*/merge"
    trusts = {
        r.name: json.loads(r.inputs["assumeRolePolicy"])["Statement"][0]["Condition"]
        for r in _declared()
        if r.kind == "aws:iam/role:Role" and "Federated" in r.inputs["assumeRolePolicy"]
    }
    assert trusts == {
        name: {
            "StringEquals": {
                f"{issuer}:aud": "sts.amazonaws.com",
                f"{issuer}:sub": f"repo:OWNER/REPO:environment:{environment}",
            },
            "StringLike": {f"{issuer}:ref": refs},
        }
        for name, environment, refs in (
            (f"{DEV}-deploy", "dev", [main]),
            (f"{DEV}-preview", "dev-preview", [main]),
            (f"{PROD}-deploy", "prod", [main]),
            (f"{PROD}-preview", "prod-preview", [main]),
            (f"{PULL_REQUEST}-deploy", "pull-request", [main, merge]),
        )
    }


def test_the_role_of_pull_requests_reaches_their_stacks_only() -> None:
    statements = [
        statement
        for text in _policies(f"{PULL_REQUEST}-deploy-").values()
        for statement in json.loads(text)["Statement"]
    ]
    writing = ("Create", "Delete", "Put", "Update", "POST", "Tag", "Set", "Remove", "Add")
    own = re.compile(r"pr[_.]\*|[/\"]pr-\*")
    for statement in statements:
        changes = [a for a in statement["Action"] if a.split(":")[1].startswith(writing)]
        named = all(map(own.search, statement["Resource"]))
        named = named or own.search(json.dumps(statement.get("Condition")))
        assert named or {*policy.UNNAMED.split()}.issuperset(changes), statement
    granted = json.dumps(statements)
    assert f"{PROJECT}/pr-*/" in granted and '"aws:ResourceTag/stack": "pr-*"' in granted
    equal = [s["Condition"].get("StringEquals", {}) for s in statements if "Condition" in s]
    assert not [values for values in equal if "pr-*" in values.values()]
    # These decrypt the secrets in the files of other stacks.
    assert "11112222333:key/00000000" not in granted and f"{PROJECT}/dev" not in granted


def test_no_stack_has_a_name_of_pull_requests() -> None:
    with pytest.raises(pulumi.RunError, match=r"stacks.pr-live: the names pr-\* belong to "):
        _declared(stacks='{"pr-live": []}')
    assert not [
        r.name for r in _declared(pull_requests="false") if r.name.startswith(f"{PULL_REQUEST}-")
    ]


def test_a_preview_only_reads() -> None:
    actions = {
        action.split(":")[1] for grant in policy.GRANTS for action in grant.actions(write=False)
    }
    reading = ("Get", "List", "Describe", "GET", "Decrypt", "View")
    assert not [action for action in actions if not action.startswith(reading)]


def test_a_grant_that_names_no_stack_is_conditional_or_says_why() -> None:
    for grant in policy.GRANTS + policy.BOUNDARY:
        named = grant.names_stack or grant.requires
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


def _declare(
    monkeypatch: pytest.MonkeyPatch, *access: ServicePermission | Link, **setting: Any
) -> None:
    """Let the only endpoint have this access, and the only setting be a `bus`."""
    endpoint = registry.load_endpoints()[0]._replace(permissions=access)
    bus = Setting("bus", str, description="A bus.", **setting)
    monkeypatch.setattr(registry, "load_endpoints", lambda: (endpoint,))
    monkeypatch.setattr(job_registry, "load_jobs", dict)
    monkeypatch.setattr(registry, "load_settings", lambda: {"bus": bus})


VPC = {"vpc_subnets": '["subnet-1"]', "vpc_security_groups": '["sg-1"]'}
BUS = ServicePermission("events", "arn:aws:events:*:*:event-bus/{bus}", ("events:PutEvents",))


def _boundaries() -> dict[str, Any]:
    return {
        name: {s["Resource"][0]: s["Action"] for s in json.loads(text)["Statement"]}
        for name, text in _policies().items()
        if name.endswith("-boundary")
    }


@pytest.mark.conformance
def test_a_boundary_takes_in_the_services_that_are_declared_with_the_stacks_own_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _declare(monkeypatch, BUS, default="default")
    monkeypatch.setattr(stack_files, "stacks", lambda *_: ["prod"])
    given = stack_files.stack_config
    of_prod = {f"{PROJECT}:bus": "sold"}
    monkeypatch.setattr(stack_files, "stack_config", lambda *of: given(*of) if of[1:] else of_prod)
    found = _boundaries()
    for stack, bus in ((DEV, "default"), (PROD, "sold")):
        held = found[f"{stack}-boundary"]
        assert held[f"arn:aws:events:*:*:event-bus/{bus}"] == ["events:PutEvents"]
        assert len([arn for arn in held if ":event-bus/" in arn]) == 1


def test_a_boundary_takes_in_the_links_that_are_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    topic, bus = (
        Link("alerts", "sns", ("sns:Publish",)),
        Link("bus", "events", BUS.actions, BUS.resource),
    )
    files, client = Link("files", "s3", ("s3:GetObjectTagging",)), Link("client")
    _declare(monkeypatch, topic, bus, files, client, default="default")
    held = _boundaries()[f"{DEV}-boundary"]
    account = pulumi_program.MockEngine().account
    assert held[f"arn:aws:sns:*:{account}:*{DEV}-*"] == ["sns:Publish"]
    assert held["arn:aws:events:*:*:event-bus/default"] == ["events:PutEvents"]
    assert held[f"arn:aws:s3:::{DEV}-*"] == ["s3:GetObjectTagging"]


def test_the_deploy_role_has_the_teams_own_grants_and_a_preview_reads_by_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = "arn:{partition}:kinesis:{region}:{account}:stream/{name}-*"
    grant = policy.Grant("streams", (stream,), reads="kinesis:List*", writes="kinesis:CreateStream")
    monkeypatch.setattr("infrastructure.DEPLOY_GRANTS", (grant,))
    for role, actions in (("deploy", {"List*", "CreateStream"}), ("preview", {"List*"})):
        documents = "".join(_policies(f"{DEV}-{role}-").values())
        assert {*re.findall(r"kinesis:([\w*]+)\"", documents)} == actions
        assert f":stream/{DEV}-*" in documents


@pytest.mark.parametrize(
    ("access", "says"),
    (
        (Link("it", "iam", ("iam:PassRole",)), "no permissions boundary may allow iam:PassRole"),
        (BUS._replace(actions=("iam:PassRole",)), "no permissions boundary may allow iam:PassRole"),
        (
            BUS,
            r"Pulumi\.dev\.yaml has no bus: set it, since the ARN of a declared ServicePermission, Link",
        ),
        (
            BUS._replace(resource="arn:" + 6_000 * "x"),
            r"boundary of dev has [\d,]+ characters; AWS allows 6,144. Largest: arn:xxx.* "
            r"\(6,0\d\d\), .* Declare fewer ServicePermissions",
        ),
    ),
)
def test_a_service_that_no_boundary_can_hold_is_refused(
    monkeypatch: pytest.MonkeyPatch, access: ServicePermission | Link, says: str
) -> None:
    _declare(monkeypatch, access)
    monkeypatch.setattr(stack_files, "stacks", list)
    with pytest.raises(pulumi.RunError, match=says):
        _declared()


@pytest.mark.conformance
@pytest.mark.usefixtures("jobs")
def test_the_boundary_holds_nothing_that_no_declaration_asks_for() -> None:
    policies = [
        json.loads(r.inputs["policy"])["Statement"]
        for r in pulumi_program.declared_resources(STACK, config=plain(backup_days="30", **VPC))
        if r.kind == "aws:iam/rolePolicy:RolePolicy"
    ]
    asked = {action for statement in sum(policies, []) for action in statement["Action"]}
    asked |= {"secretsmanager:GetSecretValue", "sns:Publish"}
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


def test_a_stack_in_a_vpc_alone_has_the_rights_for_its_network() -> None:
    for options, expected in (("[]", False), ('["vpc"]', True)):
        policies = _policies(stacks=f'{{"dev": {options}}}')
        assert ("ec2:CreateNetworkInterface" in policies[f"{DEV}-boundary"]) == expected
        for role in ("deploy", "preview"):
            held = "".join(text for name, text in policies.items() if f"{DEV}-{role}-" in name)
            assert ("ec2:DescribeSubnets" in held) == expected and "ec2:Create" not in held


def test_the_keys_that_encrypt_data_are_protected() -> None:
    keys = [r for r in _declared() if r.kind == "aws:kms/key:Key"]
    assert keys and all(key.protect for key in keys)


def test_every_boundary_allows_the_services_of_an_authorizer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    allowed = ServicePermission("ssm", "arn:aws:ssm:*:*:parameter/x", ("ssm:GetParameter",))
    authorizer = Authorizer(lambda _: None, permissions=(allowed,))
    monkeypatch.setattr(authorizer_registry, "load_authorizers", lambda: {"partner": authorizer})
    assert all(
        held["arn:aws:ssm:*:*:parameter/x"] == ["ssm:GetParameter"]
        for held in _boundaries().values()
    )
