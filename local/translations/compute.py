"""Lambda, its role and its log group."""

import io
import zipfile
from functools import partial

import pulumi

from local.program import Properties
from local.translate import (
    Context,
    Created,
    TranslationError,
    pascal,
    present,
    tag_list,
    translates,
)


@translates("aws:cloudwatch/logGroup:LogGroup")
def _log_group(context: Context, declared: Properties) -> Created:
    client = context.stack.client("logs")
    name = context.physical_name(declared)
    client.create_log_group(
        logGroupName=name,
        tags=declared.pop("tags", {}),
        **present(declared, kmsKeyId="kmsKeyId"),
    )
    client.put_retention_policy(logGroupName=name, retentionInDays=declared.pop("retentionInDays"))
    (group,) = client.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return Created(
        id=name,
        outputs={"name": name, "arn": group["arn"].removesuffix(":*")},
        delete=partial(client.delete_log_group, logGroupName=name),
    )


@translates("aws:iam/role:Role")
def _role(context: Context, declared: Properties) -> Created:
    client = context.stack.client("iam")
    name = context.physical_name(declared)
    made = client.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=declared.pop("assumeRolePolicy"),
        Tags=tag_list(declared),
        **present(
            declared,
            path="Path",
            permissionsBoundary="PermissionsBoundary",
            description="Description",
            maxSessionDuration="MaxSessionDuration",
        ),
    )["Role"]
    return Created(
        id=name,
        outputs={"name": name, "arn": made["Arn"]},
        delete=partial(client.delete_role, RoleName=name),
    )


@translates("aws:iam/rolePolicy:RolePolicy")
def _role_policy(context: Context, declared: Properties) -> Created:
    client = context.stack.client("iam")
    name = context.physical_name(declared)
    role = declared.pop("role")
    client.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=declared.pop("policy"))
    return Created(
        id=f"{role}:{name}",
        outputs={"name": name},
        delete=partial(client.delete_role_policy, RoleName=role, PolicyName=name),
    )


@translates("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
def _role_policy_attachment(context: Context, declared: Properties) -> Created:
    client = context.stack.client("iam")
    where = {"RoleName": declared.pop("role"), "PolicyArn": declared.pop("policyArn")}
    client.attach_role_policy(**where)
    return Created(
        id=f"{where['RoleName']}/{where['PolicyArn']}",
        delete=partial(client.detach_role_policy, **where),
    )


def zip_bytes(archive: pulumi.AssetArchive) -> bytes:
    """Return an archive of files as a zip whose bytes depend on names and contents alone."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
        for name, asset in sorted(archive.assets.items()):
            if not isinstance(asset, pulumi.FileAsset):
                raise TranslationError(f"{name}: the local run packs files only")
            with open(asset.path, "rb") as source:
                out.writestr(zipfile.ZipInfo(name), source.read(), zipfile.ZIP_DEFLATED)
    return packed.getvalue()


@translates("aws:lambda/function:Function")
def _function(context: Context, declared: Properties) -> Created:
    from components import bundle  # pylint: disable=import-outside-toplevel

    client = context.stack.client("lambda")
    name = context.physical_name(declared)
    reserved = declared.pop("reservedConcurrentExecutions", None)
    made = client.create_function(
        FunctionName=name,
        Code={"ZipFile": zip_bytes(bundle.on_host(declared.pop("code")))},
        Environment={"Variables": declared["environment"].pop("variables")},
        Tags=declared.pop("tags", {}),
        **present(declared, kmsKeyArn="KMSKeyArn"),
        **pascal(
            {
                setting: declared.pop(setting)
                for setting in (
                    *("architectures", "description", "handler", "loggingConfig", "memorySize"),
                    *("publish", "role", "runtime", "snapStart", "timeout", "tracingConfig"),
                )
                if setting in declared
            }
        ),
    )
    if reserved is not None:
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)
    return Created(
        id=name,
        outputs={
            "name": name,
            "arn": made["FunctionArn"],
            "version": made["Version"],
            "qualifiedArn": made["FunctionArn"],
        },
        delete=partial(client.delete_function, FunctionName=name),
    )


@translates("aws:lambda/alias:Alias")
def _alias(context: Context, declared: Properties) -> Created:
    client = context.stack.client("lambda")
    where = {"FunctionName": declared.pop("functionName"), "Name": declared.pop("name")}
    made = client.create_alias(**where, FunctionVersion=declared.pop("functionVersion"))
    invoke = (
        f"arn:aws:apigateway:{context.region}:lambda:path/2015-03-31/functions/"
        f"{made['AliasArn']}/invocations"
    )
    return Created(
        id=made["AliasArn"],
        outputs={"arn": made["AliasArn"], "invokeArn": invoke},
        delete=partial(client.delete_alias, **where),
    )


@translates("aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig")
def _provisioned_concurrency(context: Context, declared: Properties) -> Created:
    client = context.stack.client("lambda")
    where = {"FunctionName": declared.pop("functionName"), "Qualifier": declared.pop("qualifier")}
    client.put_provisioned_concurrency_config(
        **where, ProvisionedConcurrentExecutions=declared.pop("provisionedConcurrentExecutions")
    )
    return Created(
        id=f"{where['FunctionName']},{where['Qualifier']}",
        delete=partial(client.delete_provisioned_concurrency_config, **where),
    )


@translates("aws:lambda/permission:Permission")
def _permission(context: Context, declared: Properties) -> Created:
    client = context.stack.client("lambda")
    where = {
        "FunctionName": declared.pop("function"),
        "Qualifier": declared.pop("qualifier"),
        "StatementId": context.physical_name({}),
    }
    client.add_permission(
        **where,
        Action=declared.pop("action"),
        Principal=declared.pop("principal"),
        SourceArn=declared.pop("sourceArn"),
    )
    return Created(
        id=where["StatementId"],
        outputs={"statementId": where["StatementId"]},
        delete=partial(client.remove_permission, **where),
    )
