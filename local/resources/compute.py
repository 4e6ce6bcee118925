"""Lambda, its role and its log group."""

import io
import os
import zipfile
from collections.abc import Iterator
from functools import partial

import pulumi

from local.pulumi_program import Properties
from local.provisioner import (
    Context,
    Provisioned,
    UnsupportedResourceError,
    provisions,
    tag_list,
    take,
    take_pascal,
)


@provisions("aws:cloudwatch/logGroup:LogGroup", service="logs")
def _log_group(context: Context, declared: Properties) -> Provisioned:
    name = context.physical_name(declared)
    context.client.create_log_group(
        logGroupName=name,
        tags=declared.pop("tags", {}),
        **take(declared, kmsKeyId="kmsKeyId"),
    )
    context.client.put_retention_policy(
        logGroupName=name, retentionInDays=declared.pop("retentionInDays")
    )
    (group,) = context.client.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return Provisioned(
        id=name,
        outputs={"name": name, "arn": group["arn"].removesuffix(":*")},
        delete=partial(context.client.delete_log_group, logGroupName=name),
    )


@provisions("aws:iam/role:Role")
def _role(context: Context, declared: Properties) -> Provisioned:
    name = context.physical_name(declared)
    made = context.client.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=declared.pop("assumeRolePolicy"),
        Tags=tag_list(declared),
        **take_pascal(declared, "path", "permissionsBoundary", "description", "maxSessionDuration"),
    )["Role"]
    return Provisioned(
        id=name,
        outputs={"name": name, "arn": made["Arn"]},
        delete=partial(context.client.delete_role, RoleName=name),
    )


@provisions("aws:iam/rolePolicy:RolePolicy", updatable=True)
def _role_policy(context: Context, declared: Properties) -> Provisioned:
    name = context.physical_name(declared)
    role = declared.pop("role")
    context.client.put_role_policy(
        RoleName=role, PolicyName=name, PolicyDocument=declared.pop("policy")
    )
    return Provisioned(
        id=f"{role}:{name}",
        outputs={"name": name},
        delete=partial(context.client.delete_role_policy, RoleName=role, PolicyName=name),
    )


@provisions("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
def _role_policy_attachment(context: Context, declared: Properties) -> Provisioned:
    where = {"RoleName": declared.pop("role"), "PolicyArn": declared.pop("policyArn")}
    context.client.attach_role_policy(**where)
    return Provisioned(
        id=f"{where['RoleName']}/{where['PolicyArn']}",
        delete=partial(context.client.detach_role_policy, **where),
    )


def _files(archive: pulumi.AssetArchive) -> Iterator[tuple[str, str]]:
    """Return the names and paths of an archive's files, sorted by name."""
    for name, asset in sorted(archive.assets.items()):
        if not isinstance(asset, pulumi.FileAsset):
            raise UnsupportedResourceError(
                f"{name}: the local run supports only files in an archive"
            )
        yield name, str(asset.path)


def zip_bytes(archive: pulumi.AssetArchive) -> bytes:
    """Return an archive of files as a zip; equal names and contents give equal bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
        for name, path in _files(archive):
            with open(path, "rb") as source:
                out.writestr(zipfile.ZipInfo(name), source.read(), zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def file_stamps(archive: pulumi.AssetArchive) -> list[tuple[str, int, int]]:
    """Return the name, time and size of each file of an archive."""
    found = ((name, os.stat(path)) for name, path in _files(archive))
    return [(name, stat.st_mtime_ns, stat.st_size) for name, stat in found]


@provisions("aws:lambda/function:Function", updatable=True)
def _function(context: Context, declared: Properties) -> Provisioned:
    from components.packaging import archive as bundle  # pylint: disable=import-outside-toplevel

    name = context.physical_name(declared)
    reserved = declared.pop("reservedConcurrentExecutions", None)
    code, tags = zip_bytes(bundle.for_local_run(declared.pop("code"))), declared.pop("tags", {})
    fixed = take_pascal(declared, "architectures", "publish")
    settings = {
        "FunctionName": name,
        "Environment": {"Variables": declared["environment"].pop("variables")},
        **take(declared, kmsKeyArn="KMSKeyArn"),
        **take_pascal(
            declared,
            *("description", "handler", "loggingConfig", "memorySize", "role", "runtime"),
            *("snapStart", "timeout", "tracingConfig"),
        ),
    }
    if context.before:
        context.client.update_function_configuration(**settings)
        made = context.client.update_function_code(FunctionName=name, ZipFile=code, **fixed)
    else:
        made = context.client.create_function(
            Code={"ZipFile": code}, Tags=tags, **settings, **fixed
        )
    arn = context.before.outputs["arn"] if context.before else made["FunctionArn"]
    if reserved is not None:
        context.client.put_function_concurrency(
            FunctionName=name, ReservedConcurrentExecutions=reserved
        )
    return Provisioned(
        id=name,
        outputs={"name": name, "arn": arn, "version": made["Version"]},
        delete=partial(context.client.delete_function, FunctionName=name),
    )


@provisions("aws:lambda/alias:Alias", updatable=True)
def _alias(context: Context, declared: Properties) -> Provisioned:
    where = {"FunctionName": declared.pop("functionName"), "Name": declared.pop("name")}
    put = context.client.update_alias if context.before else context.client.create_alias
    made = put(**where, FunctionVersion=declared.pop("functionVersion"))
    invoke = (
        f"arn:aws:apigateway:{context.region}:lambda:path/2015-03-31/functions/"
        f"{made['AliasArn']}/invocations"
    )
    return Provisioned(
        id=made["AliasArn"],
        outputs={"arn": made["AliasArn"], "invokeArn": invoke},
        delete=partial(context.client.delete_alias, **where),
    )


@provisions("aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig")
def _provisioned_concurrency(context: Context, declared: Properties) -> Provisioned:
    where = {"FunctionName": declared.pop("functionName"), "Qualifier": declared.pop("qualifier")}
    context.client.put_provisioned_concurrency_config(
        **where, ProvisionedConcurrentExecutions=declared.pop("provisionedConcurrentExecutions")
    )
    return Provisioned(
        id=f"{where['FunctionName']},{where['Qualifier']}",
        delete=partial(context.client.delete_provisioned_concurrency_config, **where),
    )


@provisions("aws:lambda/permission:Permission")
def _permission(context: Context, declared: Properties) -> Provisioned:
    where = {
        "FunctionName": declared.pop("function"),
        "Qualifier": declared.pop("qualifier"),
        "StatementId": context.physical_name({}),
    }
    context.client.add_permission(
        **where,
        Action=declared.pop("action"),
        Principal=declared.pop("principal"),
        SourceArn=declared.pop("sourceArn"),
        **take(declared, sourceAccount="SourceAccount"),
    )
    return Provisioned(
        id=where["StatementId"],
        outputs={"statementId": where["StatementId"]},
        delete=partial(context.client.remove_permission, **where),
    )
