"""IAM and Cognito."""

from typing import Any

from local.calls import Calls
from local.provisioner import Context
from local.pulumi_program import Properties


def _role(_: Context, declared: Properties) -> None:
    declared.pop("forceDetachPolicies", None)  # the emulator's roles are always emptied


def _delete_policies(client: Any, role: Properties) -> None:
    """Delete a role's inline policies, also those that Pulumi retains."""
    name = {"RoleName": role["RoleName"]}
    for policy in client.list_role_policies(**name)["PolicyNames"]:
        client.delete_role_policy(**name, PolicyName=policy)


CALLS = {
    "aws:iam/role:Role": Calls(
        "create_role",
        adapt=_role,
        empty=_delete_policies,
        named="RoleName",
        renamed={"assumeRolePolicy": "AssumeRolePolicyDocument"},
        arn="{Arn}",
    ),
    "aws:iam/rolePolicy:RolePolicy": Calls(
        "put_role_policy",
        named="PolicyName",
        renamed={"role": "RoleName", "policy": "PolicyDocument"},
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Calls(
        "attach_role_policy", delete="detach_role_policy", renamed={"role": "RoleName"}
    ),
    "aws:iam/policy:Policy": Calls(
        "create_policy",
        named="PolicyName",
        renamed={"policy": "PolicyDocument"},
        id="{Arn}",
        arn="{Arn}",
    ),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": Calls(
        "create_open_id_connect_provider",
        renamed={"clientIdLists": "ClientIDList"},
        arn="{OpenIDConnectProviderArn}",
    ),
    # Only infrastructure.py declares these two.
    "aws:cognito/userPool:UserPool": Calls(
        "create_user_pool",
        named="PoolName",
        renamed={"tags": "UserPoolTags"},
        id="{Id}",
        arn="{Arn}",
    ),
    "aws:cognito/userPoolClient:UserPoolClient": Calls(
        "create_user_pool_client", named="ClientName", id="{ClientId}"
    ),
}
