"""GitHub's OIDC provider, API Gateway's role for access logs and, per stack, a KMS key, a
permissions boundary, a deploy role and a preview role. With `pull_requests`, one role and one
boundary for the stacks of pull requests.

An administrator of the account runs it once, and again after a change of `policies.py` or of a
declared `ServicePermission`, `Link` or topic's ARN: `pulumi -C bootstrap up -s <account>`.
"""

import sys
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

import pulumi
import pulumi_aws as aws
import yaml

# Pulumi puts the program's folder on the path, but not its parent.
ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))

from bootstrap import policies
from components import (
    EpochApiGatewayAccount,
    RoleFactory,
    as_run_error,
    limits,
    resource_prefix,
    sampling_rule,
)
from components.iam.policies import check_forbidden_actions, declared_services
from components.naming import bucket_name
from function.declare.authorizer_registry import load_authorizers
from function.declare.job_registry import load_jobs
from function.declare.permission import settings_in
from function.declare.registry import load_endpoints, load_settings, load_topics
from infrastructure import DEPLOY_GRANTS
from local import stack_files

PROJECT = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["name"]
# The maximum hours of a deployment: a new custom domain alone takes up to one.
DEPLOYMENT_H = 3
SETTINGS = ("state_bucket", "state_key", "zone_id")
DEPLOYMENT = (*policies.GRANTS, *DEPLOY_GRANTS)
# The options of a stack, each with its own grants.
OPTIONS = {grant.requires for grant in DEPLOYMENT} - {"", *SETTINGS}

config = pulumi.Config()
account = aws.get_caller_identity().account_id
partition = aws.get_partition().partition
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


def role(name: str, environment: str, hours: int, documents: list[str]) -> pulumi.Output[str]:
    """Declare a role for the jobs of a GitHub environment and return its ARN."""
    repository = config.require("repository")
    created = aws.iam.Role(
        name,
        name=name,
        path=path,
        max_session_duration=hours * 3600,
        assume_role_policy=provider.arn.apply(
            lambda arn: policies.trust(arn, repository, environment)
        ),
    )
    for number, document in enumerate(documents, start=1):
        part = f"{name}-{number}"
        policy = aws.iam.Policy(part, name=part, path=path, policy=document)
        aws.iam.RolePolicyAttachment(part, role=created.name, policy_arn=policy.arn)
    return created.arn


with as_run_error():
    permissions = [one for endpoint in load_endpoints() for one in endpoint.permissions]
    permissions += [one for job in load_jobs().values() for one in job.permissions]
    permissions += [one for asked in load_authorizers().values() for one in asked.permissions]
    own_settings = load_settings()
    services = declared_services(permissions, load_topics())
check_forbidden_actions(services)


def settings_of(of_stack: str) -> dict[str, str]:
    """Return the stack's settings in the ARNs of services, by environment variable."""
    named = {name for service in services for name in settings_in(service.resource)}
    given = stack_files.stack_config(of_stack) if named and of_stack in stack_files.stacks() else {}
    found = {}
    for setting_name in named:
        setting = own_settings[setting_name]
        value = given.get(f"{PROJECT}:{setting_name}", setting.default)
        if value is None:
            raise pulumi.RunError(
                f"Pulumi.{of_stack}.yaml has no {setting_name}: set it, since the ARN of a "
                "declared ServicePermission, Link or topic contains it"
            )
        found[setting.env_var] = str(value)
    return found


def names_of(of_stack: str, prefix: str, of_options: Iterable[str], owner: str) -> dict[str, str]:
    """Return the placeholders' values in the grants of a stack, by the prefix of its names.

    `owner` begins the names of the stack's boundary and roles.
    """
    return {
        "account": account,
        "boundary": f"arn:{partition}:iam::{account}:policy{path}{owner}-boundary",
        "name": prefix,
        "partition": partition,
        "bucket": bucket_name(prefix),
        "project": PROJECT,
        "region": region,
        "rule": sampling_rule(prefix),
        "stack": of_stack,
        **dict.fromkeys(of_options, ""),
        **settings,
    }


def declare_boundary(owner: str, settings_stack: str, of: dict[str, str]) -> pulumi.Output[str]:
    """Declare the permissions boundary of a stack and return its ARN."""
    grants = policies.boundary(services, settings_of(settings_stack))
    way_out = "Declare fewer ServicePermissions and Links, or combine resources in one ARN with '*'"
    sizes, subject = policies.sizes(grants, of), f"the permissions boundary of {of['stack']}"
    limits.check(subject, sizes, policies.POLICY_SIZE, "characters", way_out)
    (document,) = policies.documents(grants, of, write=True)
    part = f"{owner}-boundary"
    return aws.iam.Policy(part, name=part, path=path, policy=document).arn


stacks: dict[str, list[str]] = config.require_object("stacks")
for stack, options in stacks.items():
    key_name = f"config value epoch-bootstrap:stacks.{stack}"
    if unknown := set(options) - OPTIONS:
        raise pulumi.RunError(
            f"{key_name}: {', '.join(sorted(unknown))} must be one of {', '.join(sorted(OPTIONS))}"
        )
    if fnmatchcase(f"{stack}-", policies.PULL_REQUESTS):
        raise pulumi.RunError(
            f"{key_name}: the names {policies.PULL_REQUESTS} belong to pull requests; rename the "
            "stack"
        )
    name = resource_prefix(PROJECT, stack)
    names = names_of(stack, name, options, name)
    key = aws.kms.Key(
        name,
        description=f"Encrypts the data of stack {stack} of {PROJECT}",
        policy=policies.key_policy(
            partition=partition,
            account=account,
            region=region,
            roles=f"arn:{partition}:iam::{account}:role/{PROJECT}/{stack}/*",
        ),
        enable_key_rotation=True,
        deletion_window_in_days=30,
        tags={"project": PROJECT, "stack": stack},
        # Without its key, the data of the stack is lost.
        opts=pulumi.ResourceOptions(protect=True),
    )
    pulumi.export(f"{stack}_kms_key_arn", key.arn)
    pulumi.export(f"{stack}_permissions_boundary", declare_boundary(name, stack, names))
    deploy = policies.documents(DEPLOYMENT, names, write=True)
    pulumi.export(f"{stack}_deploy_role", role(f"{name}-deploy", stack, DEPLOYMENT_H, deploy))
    preview = policies.documents((*DEPLOYMENT, *policies.PREVIEW_DENIES), names, write=False)
    preview_role = role(f"{name}-preview", f"{stack}-preview", 1, preview)
    pulumi.export(f"{stack}_preview_role", preview_role)

if config.get_bool("pull_requests"):
    name = resource_prefix(PROJECT, policies.PULL_REQUESTS.rstrip("-*"))
    names = names_of(policies.PULL_REQUESTS, f"{name}_*", (), name)
    # The keys of the state would also decrypt the secrets in the files of the other stacks.
    names.pop("state_key", None)
    names.pop("zone_id", None)
    boundary = declare_boundary(name, stack_files.default_stack(), names)
    pulumi.export("pull_request_permissions_boundary", boundary)
    deploy = policies.documents(policies.for_pull_requests(DEPLOYMENT), names, write=True)
    pull_request_role = role(f"{name}-deploy", policies.PULL_REQUEST_ENVIRONMENT, 1, deploy)
    pulumi.export("pull_request_role", pull_request_role)
