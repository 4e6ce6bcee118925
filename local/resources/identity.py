"""IAM's roles, policies and identity providers."""

from functools import partial
from typing import Any

from local.calls import Calls, arguments
from local.provisioner import Context, Provisioned, provisions
from local.pulumi_program import Properties

CALLS = {
    "aws:iam/rolePolicy:RolePolicy": Calls(
        create="put_role_policy",
        update="put_role_policy",
        delete="delete_role_policy",
        named="PolicyName",
        renamed={"role": "RoleName", "policy": "PolicyDocument"},
        id="{RoleName}:{PolicyName}",
        outputs={"name": "{PolicyName}"},
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Calls(
        create="attach_role_policy",
        delete="detach_role_policy",
        renamed={"role": "RoleName"},
        id="{RoleName}/{PolicyArn}",
    ),
    "aws:iam/policy:Policy": Calls(
        create="create_policy",
        delete="delete_policy",
        named="PolicyName",
        renamed={"policy": "PolicyDocument"},
        id="{Policy[Arn]}",
        outputs={"name": "{PolicyName}", "arn": "{Policy[Arn]}"},
        deletion={"PolicyArn": "{Policy[Arn]}"},
    ),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": Calls(
        create="create_open_id_connect_provider",
        delete="delete_open_id_connect_provider",
        renamed={"clientIdLists": "ClientIDList"},
        id="{OpenIDConnectProviderArn}",
        outputs={"arn": "{OpenIDConnectProviderArn}"},
    ),
}


@provisions("aws:iam/role:Role")
def _role(context: Context, declared: Properties) -> Provisioned:
    client, name = context.client, context.physical_name(declared)
    delete = _delete_with_policies if declared.pop("forceDetachPolicies", False) else _delete
    renamed = {"assumeRolePolicy": "AssumeRolePolicyDocument"}
    role = client.create_role(RoleName=name, **arguments(client, "create_role", declared, renamed))
    return Provisioned(
        id=name,
        outputs={"name": name, "arn": role["Role"]["Arn"]},
        delete=partial(delete, client, name),
    )


def _delete(client: Any, role: str) -> None:
    client.delete_role(RoleName=role)


def _delete_with_policies(client: Any, role: str) -> None:
    """Delete a role with its inline policies, also those that Pulumi retains."""
    for policy in client.list_role_policies(RoleName=role)["PolicyNames"]:
        client.delete_role_policy(RoleName=role, PolicyName=policy)
    _delete(client, role)
