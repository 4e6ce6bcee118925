"""Lambda."""

import io
import os
import zipfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pulumi

from function.declare.auth import ISSUER_PREFIX
from local.calls import Calls, arguments
from local.provisioner import Context, Provisioned, provisions
from local.pulumi_program import Properties


def _permission(context: Context, declared: Properties) -> None:
    if ":sns:" in declared.get("sourceArn", ""):
        declared["sourceArn"] = context.own_arn(declared["sourceArn"])


CALLS = {
    "aws:lambda/alias:Alias": Calls(
        "create_alias",
        update="update_alias",
        arn="{AliasArn}",
        outputs={
            "invokeArn": "arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{AliasArn}"
            "/invocations",
        },
    ),
    "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig": Calls(
        "put_provisioned_concurrency_config"
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


def _files(archive: pulumi.Archive) -> dict[str, Path]:
    """Return the files of an archive by their names, sorted by name."""
    from components.packaging.archive import files_in

    if not isinstance(archive, pulumi.FileArchive) or not os.path.isdir(archive.path):
        raise RuntimeError("the local run supports only a folder as an archive")
    return files_in(archive)


def zip_bytes(files: Mapping[str, Path], compression: int = zipfile.ZIP_STORED) -> bytes:
    """Return files as a zip; equal names and contents give equal bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        for name, path in files.items():
            out.writestr(zipfile.ZipInfo(name), path.read_bytes(), compression)
    return packed.getvalue()


def _check_upload(files: Mapping[str, Path]) -> None:
    """Raise a RuntimeError for a zip that is too large for a direct upload."""
    if sum(path.stat().st_size for path in files.values()) <= UPLOAD_LIMIT:
        return
    if (size := len(zip_bytes(files, zipfile.ZIP_DEFLATED))) > UPLOAD_LIMIT:
        raise RuntimeError(
            f"the zip of the function's code has {size:,} bytes, Lambda accepts at most "
            f"{UPLOAD_LIMIT:,}; remove packages from function/requirements.in or files of function/"
        )


def file_stamps(archive: pulumi.Archive) -> list[tuple[str, int, int]]:
    """Return the name, time and size of each file of an archive."""
    found = ((name, path.stat()) for name, path in _files(archive).items())
    return [(name, stat.st_mtime_ns, stat.st_size) for name, stat in found]


@provisions("aws:lambda/function:Function", updatable=True)
def _function(context: Context, declared: Properties) -> Provisioned:
    from components.packaging import archive as bundle

    client = context.client
    name = {"FunctionName": context.physical_name(declared)}
    files = _files(declared.pop("code"))
    _check_upload(files)
    code = {"ZipFile": zip_bytes(bundle.for_local_run(files))}
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
