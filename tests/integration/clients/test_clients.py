"""Clients that generators of two languages make of the document, against the running stack.

They send the first declared sample, whatever the service is.
"""

import json
import os
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from uv import find_uv_bin

from function.declare.auth import ApiKey
from function.declare.endpoint import Endpoint, SampleRequest
from function.declare.registry import load_endpoints
from local.local_stack import LocalStack
from local.stack_files import ROOT
from openapi import samples
from tests.conftest import output

CLIENTS = ROOT / "tests" / "integration" / "clients"
DOCUMENT = ROOT / "docs" / "openapi.json"

node = pytest.mark.skipif(not shutil.which("npm"), reason="Node's npm is not installed")


def _sample() -> tuple[Endpoint[Any], SampleRequest]:
    endpoint = samples.default_sample(load_endpoints())
    assert endpoint and endpoint.sample
    return endpoint, endpoint.sample


def _snake(name: str) -> str:
    """Return a name as the generator writes it."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).replace("-", "_").replace("__", "_").lower()


def _run(command: Sequence[str | Path], folder: Path, sent: str = "") -> str:
    variables = {
        "PATH": f"{folder}/venv/bin:{os.environ['PATH']}",  # the generator calls its formatter
        "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
        "REDOCLY_TELEMETRY": "off",
    }
    return output(folder, *command, sent=sent, **variables)


def _saw(local: LocalStack, command: Sequence[str | Path], folder: Path, sent: str = "") -> None:
    """Run a client; check that it saw a declared response, and a problem for a wrong key."""
    endpoint, _ = _sample()
    url = local.outputs["api_url"]
    seen = json.loads(_run([*command, url, local.outputs["default_api_key"]], folder, sent))
    assert seen["status"] in endpoint.responses
    assert seen["refused"] == (403 if isinstance(endpoint.auth, ApiKey) else False)


@pytest.fixture(name="packages", scope="module")
def _packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with Node's packages."""
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(CLIENTS / name, folder)
    _run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], folder)
    return folder


@node
def test_the_document_has_no_lint(packages: Path) -> None:
    _run(["npx", "redocly", "lint", DOCUMENT, "--extends=recommended-strict"], packages)


@node
def test_typescript_knows_the_types_and_calls(local: LocalStack, packages: Path) -> None:
    endpoint, sample = _sample()
    groups = {"path": sample.path_parameters, "query": sample.query, "header": sample.headers}
    given = {group: dict(values) for group, values in groups.items() if values}
    request: dict[str, Any] = {"params": given} if given else {}
    if sample.body is not None:
        request["body"] = msgspec.to_builtins(sample.body)
    text = (CLIENTS / "call.ts").read_text(encoding="utf-8")
    for name, value in {
        ".METHOD(": f".{endpoint.method}(",
        "(PATH,": f"({json.dumps(endpoint.path)},",
        "REQUEST);": f"{json.dumps(request)});",
    }.items():
        text = text.replace(name, value)
    (packages / "call.ts").write_text(text, encoding="utf-8")
    _run(["npx", "openapi-typescript", DOCUMENT, "--output", "api.ts"], packages)
    options = ["--strict", "--target", "es2022", "--module", "nodenext", "--skipLibCheck"]
    _run(["npx", "tsc", *options, "call.ts"], packages)
    _saw(local, ["node", "call.js"], packages)


def test_python_knows_the_types_and_calls(local: LocalStack, tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    _run([find_uv_bin(), "venv", "--quiet", "--python", sys.executable, "venv"], tmp_path)
    lock = CLIENTS / "requirements.txt"
    _run([find_uv_bin(), "pip", "sync", "--python", python, "--require-hashes", lock], tmp_path)
    generator = python.parent / "openapi-python-client"
    options = ["--meta", "none", "--output-path", "generated_client", "--fail-on-warning"]
    _run([generator, "generate", "--path", DOCUMENT, *options], tmp_path)
    shutil.copy(CLIENTS / "call.py", tmp_path)
    endpoint, sample = _sample()
    given = {**sample.path_parameters, **sample.query, **sample.headers}
    call = {
        "operation": _snake(endpoint.operation_id),
        "arguments": {_snake(name): value for name, value in given.items()},
        "body": msgspec.to_builtins(sample.body),
    }
    _saw(local, [python, "call.py"], tmp_path, json.dumps(call))
