"""IAM's roles, policies and identity providers."""

from local.calls import Calls

CALLS = {
    "aws:iam/role:Role": Calls(
        create="create_role",
        delete="delete_role",
        named="RoleName",
        renamed={"assumeRolePolicy": "AssumeRolePolicyDocument"},
        id="{RoleName}",
        outputs={"name": "{RoleName}", "arn": "{Role[Arn]}"},
    ),
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
