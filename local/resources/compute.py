"""Lambda."""

import io
import os
import zipfile
from collections.abc import Iterator
from functools import partial

import pulumi

from function.declare.auth import ISSUER_PREFIX
from local.calls import Calls, arguments
from local.provisioner import Context, Provisioned, UnsupportedResourceError, provisions
from local.pulumi_program import Properties


def _permission(context: Context, declared: Properties) -> None:
    if ":sns:" in declared.get("sourceArn", ""):
        declared["sourceArn"] = context.own_arn(declared["sourceArn"])


CALLS = {
    "aws:lambda/alias:Alias": Calls(
        "create_alias",
        update="update_alias",
        id="{AliasArn}",
        arn="{AliasArn}",
        outputs={
            "invokeArn": "arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{AliasArn}"
            "/invocations",
        },
    ),
    "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig": Calls(
        "put_provisioned_concurrency_config", id="{FunctionName},{Qualifier}"
    ),
    "aws:lambda/permission:Permission": Calls(
        "add_permission",
        delete="remove_permission",
        adapt=_permission,
        named="StatementId",
        renamed={"function": "FunctionName"},
        outputs={"statementId": "{StatementId}"},
    ),
}

# For a zip in the request itself, as the AWS provider sends it.
UPLOAD_LIMIT = 50 * 1024 * 1024


def _files(archive: pulumi.AssetArchive) -> Iterator[tuple[str, str]]:
    """Return the names and paths of an archive's files, sorted by name."""
    for name, asset in sorted(archive.assets.items()):
        if not isinstance(asset, pulumi.FileAsset):
            raise UnsupportedResourceError(
                f"{name}: the local run supports only files in an archive"
            )
        yield name, str(asset.path)


def zip_bytes(archive: pulumi.AssetArchive, compression: int = zipfile.ZIP_STORED) -> bytes:
    """Return an archive of files as a zip; equal names and contents give equal bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        for name, path in _files(archive):
            with open(path, "rb") as source:
                out.writestr(zipfile.ZipInfo(name), source.read(), compression)
    return packed.getvalue()


def _check_upload(archive: pulumi.AssetArchive) -> None:
    """Raise a RuntimeError for a zip that is too large for a direct upload."""
    if sum(size for _, _, size in file_stamps(archive)) > UPLOAD_LIMIT:
        size = len(zip_bytes(archive, zipfile.ZIP_DEFLATED))
        if size > UPLOAD_LIMIT:
            raise RuntimeError(
                f"the zip of the function's code has {size:,} bytes, Lambda accepts at most "
                f"{UPLOAD_LIMIT:,}; remove packages from function/requirements.in or files from "
                "function/"
            )


def file_stamps(archive: pulumi.AssetArchive) -> list[tuple[str, int, int]]:
    """Return the name, time and size of each file of an archive."""
    found = ((name, os.stat(path)) for name, path in _files(archive))
    return [(name, stat.st_mtime_ns, stat.st_size) for name, stat in found]


@provisions("aws:lambda/function:Function", updatable=True)
def _function(context: Context, declared: Properties) -> Provisioned:
    from components.packaging import archive as bundle

    client = context.client
    name = {"FunctionName": context.physical_name(declared)}
    archive = declared.pop("code")
    _check_upload(archive)
    code = {"ZipFile": zip_bytes(bundle.for_local_run(archive))}
    declared.pop("vpcConfig", None)
    variables = declared.get("environment", {}).get("variables", {})
    variables |= {key: context.stack.issuer for key in variables if key.startswith(ISSUER_PREFIX)}
    tags = declared.pop("tags", {})
    concurrency = arguments(client, "put_function_concurrency", declared)
    if context.before:
        settings = arguments(client, "update_function_configuration", declared)
        client.update_function_configuration(**name, **settings)
        fixed = arguments(client, "update_function_code", declared)
        made = client.update_function_code(**name, **code, **fixed)
        made["FunctionArn"] = context.before.outputs["arn"]
    else:
        settings = arguments(client, "create_function", declared)
        made = client.create_function(**name, Code=code, Tags=tags, **settings)
    if concurrency:
        client.put_function_concurrency(**name, **concurrency)
    return Provisioned(
        id=name["FunctionName"],
        outputs={
            "name": name["FunctionName"],
            "arn": made["FunctionArn"],
            "version": made["Version"],
        },
        delete=partial(client.delete_function, **name),
    )
