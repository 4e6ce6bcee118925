"""The security scan: its findings and its completeness."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from local import stack_files
from local.pulumi_program import Properties
from tests.conftest import NAME, STACK, output, plain
from tools import cli
from tools.checks import scan, terraform_json

Files = dict[str, Properties]


def _without(type_: str, argument: str) -> Callable[[Files], None]:
    def take_away(files: Files) -> None:
        for arguments in files[f"{type_}.tf.json"]["resource"][type_].values():
            del arguments[argument]

    return take_away


# A removed property, and the finding that must follow.
TAKEN = {
    "function-tracing": (
        _without("aws_lambda_function", "tracing_config"),
        {("CKV_AWS_50", "aws_lambda_function")},
    ),
    "api-tracing": (
        _without("aws_api_gateway_stage", "xray_tracing_enabled"),
        {("CKV_AWS_73", "aws_api_gateway_stage")},
    ),
    "access-logs": (
        _without("aws_api_gateway_stage", "access_log_settings"),
        {("CKV_AWS_76", "aws_api_gateway_stage")},
    ),
    "table-backup": (
        _without("aws_dynamodb_table", "point_in_time_recovery"),
        {("CKV_AWS_28", "aws_dynamodb_table")},
    ),
}


def test_each_protection_taken_away_is_found() -> None:
    rendered: dict[str, Files] = {}
    guarded = json.dumps(
        terraform_json.render(terraform_json.declared_resources(STACK, plain(protect_data="true")))
    )
    for variant in ("guarded", *TAKEN):
        # Names of its own, or references would lead from one variant into another.
        rendered[variant] = json.loads(guarded.replace(NAME, variant))
    for variant, (take_away, _) in TAKEN.items():
        take_away(rendered[variant])
    findings = scan.check(rendered)
    whole = {(finding.check, finding.type) for finding in findings if finding.stack == "guarded"}
    assert {variant: expected for variant, (_, expected) in TAKEN.items()} == {
        variant: {(f.check, f.type) for f in findings if f.stack == variant} - whole
        for variant in TAKEN
    }


def test_a_planted_secret_is_found_where_git_does_not_ignore_it(tmp_path: Path) -> None:
    planted = f"key = '{'AKIA' + 'Q7ZT4M2XW9LB5RND'}'\n"
    for name in ("tracked.py", "untracked.py", "ignored.py"):
        (tmp_path / name).write_text(planted)
    (tmp_path / ".gitignore").write_text("ignored.py\n")
    (tmp_path / "lock.txt").write_text(f"boto3==1 \\\n    --hash=sha256:{'0123456789abcdef' * 4}\n")
    output(tmp_path, "git", "init")
    output(tmp_path, "git", "add", "tracked.py")
    assert [line.partition(": ")[0] for line in scan.secrets(tmp_path)] == [
        "tracked.py:1",
        "untracked.py:1",
    ]


# A package of each lock that there is: who replaces the service may do without some.
_BAD = {
    package
    for folder, package in {
        "function": "botocore",
        "tests/integration/browser": "playwright",
        "tests/integration/clients": "openapi-python-client",
        "tools/bench": "pydynox",
    }.items()
    if (stack_files.ROOT / folder / "requirements.txt").exists()
}


class _Osv(BaseHTTPRequestHandler):
    """Knows one vulnerability of boto3, as OSV would tell it."""

    def do_POST(self) -> None:
        package = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["package"]
        fixed = [{"type": "ECOSYSTEM", "events": [{"fixed": "99"}]}]
        affected = {"package": {"name": package["name"], "ecosystem": "PyPI"}, "ranges": fixed}
        known = {"id": "PYSEC-1", "summary": "bad", "details": "", "affected": [affected]}
        body = json.dumps({"vulns": [known]} if package["name"] in _BAD else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def osv() -> Iterator[str]:
    """Return the URL of a vulnerability database on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Osv)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/query"
    server.shutdown()


def test_a_known_vulnerability_is_named_with_its_fix_whichever_lock_has_it(osv: str) -> None:
    found = scan.vulnerabilities(osv)
    assert {line.partition(" ")[0] for line in found} == _BAD
    assert all(line.endswith(": PYSEC-1, fixed in 99") for line in found)


@pytest.mark.parametrize("required", (False, True))
def test_what_could_not_be_checked_is_said_and_fails_only_where_required(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], required: bool
) -> None:
    audit = scan.vulnerabilities
    monkeypatch.setattr(stack_files, "stacks", list)
    monkeypatch.setattr(scan, "check", lambda rendered: [])
    monkeypatch.setattr(scan, "secrets", lambda: [])
    monkeypatch.setattr(scan, "vulnerabilities", lambda: audit("http://127.0.0.1:9"))
    monkeypatch.setenv("EPOCH_AUDIT", "required" if required else "")
    assert cli.run(scan.main) == required
    said = capsys.readouterr()
    if required:
        assert said.err.startswith("error: pip-audit: ") and said.err.count("\n") == 1
    else:
        assert "vulnerabilities in the locks: not checked (pip-audit: " in said.out
