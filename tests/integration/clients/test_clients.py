"""Clients that generators of two languages make of the document, against the running stack."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from uv import find_uv_bin

from local.stack_files import ROOT
from local.local_stack import LocalStack

CLIENTS = ROOT / "tests" / "integration" / "clients"
DOCUMENT = ROOT / "docs" / "openapi.json"

node = pytest.mark.skipif(not shutil.which("npm"), reason="Node's npm is not installed")


def _run(command: Sequence[str | Path], folder: Path) -> str:
    environment = os.environ | {
        "PATH": f"{folder}/venv/bin:{os.environ['PATH']}",  # the generator calls its formatter
        "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
        "REDOCLY_TELEMETRY": "off",
    }
    result = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def _saw(local: LocalStack, command: Sequence[str | Path], folder: Path) -> None:
    """Run a client; check that its responses hold the stored items."""
    url = local.outputs["api_url"]
    seen = json.loads(_run([*command, url, local.outputs["default_api_key"]], folder))
    stored = {item["epoch"]["N"] for item in local.items()}
    assert seen["epoch"] in stored and seen["ip"] == "127.0.0.1" and seen["status"] == 403


@pytest.fixture(name="packages", scope="module")
def _packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with Node's packages."""
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "package-lock.json", "call.ts"):
        shutil.copy(CLIENTS / name, folder)
    _run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], folder)
    return folder


@node
def test_the_document_has_no_lint(packages: Path) -> None:
    _run(["npx", "redocly", "lint", DOCUMENT, "--extends=recommended-strict"], packages)


@node
def test_typescript_knows_the_types_and_calls(local: LocalStack, packages: Path) -> None:
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
    options = ["--meta", "none", "--output-path", "epoch_client", "--fail-on-warning"]
    _run([generator, "generate", "--path", DOCUMENT, *options], tmp_path)
    shutil.copy(CLIENTS / "call.py", tmp_path)
    _saw(local, [python, "call.py"], tmp_path)
