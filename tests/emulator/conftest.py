"""The account that all tests of the emulator share."""

import io
import json
import secrets
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from ministack.core import lambda_runtime

from components.packaging.interpreter import PYTHON_VERSION
from emulator import lambda_code, lambda_workers
from local import local_stack
from local.ministack import MiniStack


def zipped(files: dict[str, str]) -> bytes:
    """Return files as a zip."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return content.getvalue()


def role_of(emulator: MiniStack, *allowed: Mapping[str, Any], service: str = "") -> str:
    """Return the ARN of a new role for a service, or for all users, with these statements."""
    iam, name = emulator.client("iam"), f"role-{secrets.token_hex(4)}"
    trusted = {"Service": f"{service}.amazonaws.com"} if service else {"AWS": "*"}
    trust = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}
    made = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]})
    )
    if allowed:
        statements = [{"Effect": "Allow", **one} for one in allowed]
        policy = json.dumps({"Statement": statements})
        iam.put_role_policy(RoleName=name, PolicyName="allowed", PolicyDocument=policy)
    return str(made["Role"]["Arn"])


def create_function(emulator: MiniStack, code: str, role: str, **config: Any) -> dict[str, Any]:
    """Create a function with a handler in `code`; return Lambda's response."""
    made: dict[str, Any] = emulator.client("lambda").create_function(
        FunctionName=f"t-{secrets.token_hex(4)}",
        Role=role,
        Runtime=f"python{PYTHON_VERSION}",
        Handler="code.handler",
        Code={"ZipFile": zipped({"code.py": code})},
        **config,
    )
    return made


def function_of(name: str, files: dict[str, str], **config: Any) -> dict[str, Any]:
    """Return a function as MiniStack keeps it: its config, and its files as a zip."""
    usual = {
        "FunctionArn": f"arn:aws:lambda:eu-central-1:000000000000:function:{name}",
        "FunctionName": name,
        "Handler": "main.handler",
        "Runtime": f"python{PYTHON_VERSION}",
        "Timeout": 10,
    }
    return {"config": {**usual, **config}, "code_zip": zipped(files)}


@pytest.fixture(scope="module")
def own_workers() -> Iterator[None]:
    """Run functions in this process's own workers, with the emulator's repairs."""
    with pytest.MonkeyPatch.context() as patch:
        for owner, name, new in (*lambda_code.PATCHES, *lambda_workers.PATCHES):
            if owner is lambda_runtime:
                patch.setattr(owner, name, new(getattr(owner, name)))
        yield


@pytest.fixture(scope="session")
def account() -> Iterator[local_stack.Account]:
    """Return an account with no stack in it."""
    with local_stack.emulated_account("eu-central-1") as started:
        yield started


@pytest.fixture(scope="session")
def emulator(account: local_stack.Account) -> MiniStack:
    """Return the emulator of the account, as root."""
    return account.emulator
