"""GitHub's OIDC provider and, per stack, a boundary, a deploy role and a preview role.

Run by somebody who administers the account, once and again when `policy.py` changes:
`pulumi -C deployer up -s <account>`.
"""

import pulumi
import pulumi_aws as aws

# A program's own folder is on its path, its parent is not.
from policy import BOUNDARY, GRANTS, documents, trust

PROJECT = "epoch"

config = pulumi.Config()
account = aws.get_caller_identity().account_id
settings = {
    key: value
    for key in ("state_bucket", "state_key", "zone_id")
    if (value := config.get(key)) is not None
}
path = f"/{pulumi.get_project()}/"
provider = aws.iam.OpenIdConnectProvider(
    "github",
    url="https://token.actions.githubusercontent.com",
    client_id_lists=["sts.amazonaws.com"],
)


def role(name: str, environment: str, policies: list[str]) -> pulumi.Output[str]:
    """Declare a role for the jobs of a GitHub environment; return its ARN."""
    made = aws.iam.Role(
        name,
        name=name,
        path=path,
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


for stack in config.require_object("stacks"):
    prefix = f"{PROJECT}-{stack}"
    names = {
        "account": account,
        "boundary": f"arn:aws:iam::{account}:policy{path}{prefix}-boundary",
        "project": PROJECT,
        "region": pulumi.Config("aws").require("region"),
        "stack": stack,
        **settings,
    }
    (limit,) = documents(BOUNDARY, names, write=True)
    boundary = aws.iam.Policy(
        f"{prefix}-boundary", name=f"{prefix}-boundary", path=path, policy=limit
    )
    pulumi.export(f"{stack}_permissions_boundary", boundary.arn)
    pulumi.export(
        f"{stack}_deploy_role",
        role(f"{prefix}-deploy", stack, documents(GRANTS, names, write=True)),
    )
    pulumi.export(
        f"{stack}_preview_role",
        role(f"{prefix}-preview", f"{stack}-preview", documents(GRANTS, names, write=False)),
    )
