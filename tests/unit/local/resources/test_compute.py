"""Lambda's limit for the code of a function, which the local run applies too."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pulumi
import pytest
from botocore.stub import Stubber

from local.provisioner import provision
from local.pulumi_program import Resource
from local.resources import compute


def _archive(folder: Path, **files: bytes) -> pulumi.FileArchive:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return pulumi.FileArchive(str(folder))


def _provision(archive: pulumi.FileArchive, stub_response: bool) -> None:
    client = boto3.client(
        "lambda", region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    stack: Any = SimpleNamespace(account="0", region="eu-central-1", client=lambda _: client)
    resource = Resource(
        kind="aws:lambda/function:Function",
        name="it",
        urn="urn",
        parent="",
        inputs={"name": "it", "role": "arn:aws:iam::000000000000:role/it", "code": archive},
    )
    with Stubber(client) as stub:
        if stub_response:
            made = {"FunctionArn": "arn:aws:lambda:eu-central-1:0:function:it", "Version": "1"}
            stub.add_response("create_function", made)
        provision(stack, resource)


def test_aws_limit_is_50_mib() -> None:
    assert compute.UPLOAD_LIMIT == 52_428_800


def test_code_that_exceeds_the_direct_upload_as_a_zip_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compute, "UPLOAD_LIMIT", 10_000)
    archive = _archive(tmp_path, own=b"x", large=os.urandom(10_000))
    with pytest.raises(RuntimeError, match=r"has 10,\d+ bytes.* at most 10,000; remove"):
        _provision(archive, stub_response=False)


def test_code_that_fits_as_a_zip_is_uploaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compute, "UPLOAD_LIMIT", 10_000)
    _provision(_archive(tmp_path, own=b"x", large=bytes(100_000)), stub_response=True)
