"""GitHub's OIDC provider, API Gateway's role for access logs and, per stack, a key, a boundary, a
deploy role and a preview role.

Run by somebody who administers the account, once and again when `policy.py` or a declared access to
another AWS service changes:
`pulumi -C bootstrap up -s <account>`.
"""

import json
import sys
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import yaml

# A program's own folder is on its path, its parent is not.
ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))

# pylint: disable=wrong-import-position
from bootstrap.policies import (
    GRANTS,
    POLICY_SIZE,
    PREVIEW_DENIES,
    boundary,
    documents,
    key_policy,
    trust,
)
from components import (
    EpochApiGatewayAccount,
    RoleFactory,
    as_run_error,
    resource_prefix,
    sampling_rule,
)
from components.iam.boundary import forbidden_actions_error
from function.declare.registry import load_endpoints
from function.declare.job_registry import load_jobs
from function.declare.registry import load_settings
from function.declare.permission import ServicePermission
from local import stack_files

PROJECT = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["name"]
# Hours that a deployment may take: a new custom domain alone takes up to one.
DEPLOYMENT_H = 3
SETTINGS = ("state_bucket", "state_key", "zone_id")
# Of a stack, each for grants of its own.
OPTIONS = {grant.requires for grant in GRANTS} - {"", *SETTINGS}

config = pulumi.Config()
account = aws.get_caller_identity().account_id
region = pulumi.Config("aws").require("region")
settings = {key: value for key in SETTINGS if (value := config.get(key)) is not None}
path = f"/{pulumi.get_project()}/"
provider = aws.iam.OpenIdConnectProvider(
    "github",
    url="https://token.actions.githubusercontent.com",
    client_id_lists=["sts.amazonaws.com"],
)
if config.get_bool("manage_api_gateway_account") is not False:
    EpochApiGatewayAccount(f"{PROJECT}-account", roles=RoleFactory(path=path))


def role(name: str, environment: str, hours: int, policies: list[str]) -> pulumi.Output[str]:
    """Declare a role for the jobs of a GitHub environment; return its ARN."""
    made = aws.iam.Role(
        name,
        name=name,
        path=path,
        max_session_duration=hours * 3600,
        assume_role_policy=provider.arn.apply(
            lambda arn: trust(
                provider=arn, repository=config.require("repository"), environment=environment
            )
        ),
    )
    for number, document in enumerate(policies, start=1):
        part = f"{name}-{number}"
        policy = aws.iam.Policy(part, name=part, path=path, policy=document)
        aws.iam.RolePolicyAttachment(part, role=made.name, policy_arn=policy.arn)
    return made.arn


with as_run_error():
    access = [endpoint.permissions for endpoint in load_endpoints()]
    access += [job.permissions for job in load_jobs().values()]
    own_settings = load_settings()
services = [
    permission for own in access for permission in own if isinstance(permission, ServicePermission)
]
if never := forbidden_actions_error(services):
    raise pulumi.RunError(never)


def settings_of(of_stack: str) -> dict[str, str]:
    """Return the settings that the resources of services name, as the stack's file has them, by
    environment variable."""
    named = {name for service in services for name in service.settings}
    given = stack_files.stack_config(of_stack) if named and of_stack in stack_files.stacks() else {}
    found = {}
    for setting_name in named:
        setting = own_settings[setting_name]
        value = given.get(f"{PROJECT}:{setting_name}", setting.default)
        if value is None:
            raise pulumi.RunError(
                f"Pulumi.{of_stack}.yaml sets no {setting_name}, which the resource of a declared "
                "service names"
            )
        found[setting.env_var] = str(value)
    return found


# Each stack with those of its options that need more.
stacks: dict[str, list[str]] = config.require_object("stacks")
for stack, options in stacks.items():
    if unknown := set(options) - OPTIONS:
        raise pulumi.RunError(
            f"config value epoch-deployer:stacks.{stack}: {', '.join(sorted(unknown))} must be "
            f"among {', '.join(sorted(OPTIONS))}"
        )
    name = resource_prefix(PROJECT, stack)
    names = {
        "account": account,
        "boundary": f"arn:aws:iam::{account}:policy{path}{name}-boundary",
        "name": name,
        "project": PROJECT,
        "region": region,
        "rule": sampling_rule(name),
        "stack": stack,
        **dict.fromkeys(options, ""),
        **settings,
    }
    key = aws.kms.Key(
        name,
        description=f"Encrypts what stack {stack} of {PROJECT} stores",
        policy=json.dumps(
            key_policy(
                account=account,
                region=region,
                roles=f"arn:aws:iam::{account}:role/{PROJECT}/{stack}/*",
            )
        ),
        enable_key_rotation=True,
        deletion_window_in_days=30,
        tags={"project": PROJECT, "stack": stack},
    )
    limit, *more = documents(boundary(services, settings_of(stack)), names, write=True)
    if more:
        raise pulumi.RunError(
            f"the permissions boundary of {stack} is over IAM's {POLICY_SIZE} characters: declare "
            "fewer services, or several of their resources by one ARN with '*'"
        )
    limits = aws.iam.Policy(f"{name}-boundary", name=f"{name}-boundary", path=path, policy=limit)
    exported: dict[str, Any] = {
        "kms_key_arn": key.arn,
        "permissions_boundary": limits.arn,
        "deploy_role": role(
            f"{name}-deploy", stack, DEPLOYMENT_H, documents(GRANTS, names, write=True)
        ),
        "preview_role": role(
            f"{name}-preview",
            f"{stack}-preview",
            1,
            documents(GRANTS + PREVIEW_DENIES, names, write=False),
        ),
    }
    for output, value in exported.items():
        pulumi.export(f"{stack}_{output}", value)
