"""The bundle: complete, the same everywhere, and changed only by what it holds."""

import json
import shutil
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from components import bundle
from local.program import ROOT
from local.translations.compute import zip_bytes

INTERPRETERS = [
    sys.executable,
    *map(str, sorted(Path.home().glob(".pyenv/versions/3.13.*/bin/python3.13"))[:1]),
]

# Runs one request; DynamoDB's address leads nowhere, so the answer is the 503 of a real client.
PROBE = """
import sys
sys.path.append({folder!r})
from function.main import handler
from function import telemetry
telemetry._recorder()
answer = handler({{"httpMethod": "POST", "resource": "/epoch"}}, None)
stdlib = [p for p in sys.path if "site-packages" in p]
print(answer["statusCode"], stdlib)
"""


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_it_needs_nothing_but_the_standard_library(interpreter: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(BytesIO(zip_bytes(bundle.archive()))) as packed:
        packed.extractall(tmp_path)
    run = subprocess.run(
        [interpreter, "-I", "-S", "-c", PROBE.format(folder=str(tmp_path))],
        env={
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:9",
            "EPOCH_TABLE": "epochs",
            # By these aws-xray-sdk knows that it is in Lambda.
            "LAMBDA_TASK_ROOT": str(tmp_path),
            "_X_AMZN_TRACE_ID": "Root=1-00000000-000000000000000000000000;Parent=1;Sampled=1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout.strip() == "503 []", run.stderr


def _fingerprint(project: Path) -> dict[str, str]:
    """Return the hash of the function's archive and the deployment's triggers, in a new process."""
    code = """
import hashlib, json
from local import program
from local.translations import compute
inputs = {r.kind: r.inputs for r in program.declare("prod")}
archive = compute.zip_bytes(inputs["aws:lambda/function:Function"]["code"])
print(json.dumps({"archive": hashlib.sha256(archive).hexdigest(),
                  "trigger": inputs["aws:apigateway/deployment:Deployment"]["triggers"]}))
"""
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=True
    )
    found: dict[str, str] = json.loads(run.stdout)
    return found


def test_only_what_is_served_changes_archive_and_trigger(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(ROOT, project, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    (project / ".build").symlink_to(ROOT / ".build")
    first = _fingerprint(project)
    (project / "function" / "notes.txt").write_text("stray")
    (project / "function" / "__pycache__").mkdir(exist_ok=True)
    (project / "function" / "__pycache__" / "stray.pyc").write_bytes(b"stray")
    assert _fingerprint(project) == first == _fingerprint(ROOT)

    storage = project / "function" / "storage.py"
    storage.write_text(storage.read_text() + "# touched\n")
    touched = _fingerprint(project)
    assert touched["archive"] != first["archive"] and touched["trigger"] == first["trigger"]

    endpoint = project / "function" / "endpoints" / "post_epoch.py"
    endpoint.write_text(endpoint.read_text().replace('name="Idempotency-Key"', 'name="Other"'))
    assert _fingerprint(project)["trigger"] != first["trigger"]
