"""The account that all tests of the emulator share."""

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from components.packaging.interpreter import PYTHON_VERSION
from local import local_stack
from local.ministack import MiniStack


def function_of(name: str, files: dict[str, str], **config: Any) -> dict[str, Any]:
    """Return a function as MiniStack keeps it: its config, and its files as a zip."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    usual = {
        "FunctionArn": f"arn:aws:lambda:eu-central-1:000000000000:function:{name}",
        "FunctionName": name,
        "Handler": "main.handler",
        "Runtime": f"python{PYTHON_VERSION}",
        "Timeout": 10,
    }
    return {"config": {**usual, **config}, "code_zip": code.getvalue()}


@pytest.fixture(scope="session")
def account() -> Iterator[local_stack.Account]:
    """Return an account with no stack in it."""
    with local_stack.emulated_account("eu-central-1") as started:
        yield started


@pytest.fixture(scope="session")
def emulator(account: local_stack.Account) -> MiniStack:
    """Return the emulator of the account, as root."""
    return account.emulator
