"""`python -m tools.checks.scan`: the security scan of stacks, source tree and locks.

Each finding is a line on stderr, and the exit status is 1. If a service is unreachable, its part
counts as not checked; EPOCH_AUDIT=required makes that an error.
"""

import json
import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from function.declare.auth import Public
from function.declare.registry import load_endpoints
from local import pulumi_program, stack_files
from tools import cli
from tools.checks import terraform_json

# Checkov pins the scanners' lock, which the project does not use.
_NOT_AUDITED = "requirements-scan.txt"
OSV = "https://api.osv.dev/v1/query"

# Names and placeholders: a real credential has digits. The snapshot has a placeholder in each
# name and ARN.
_NO_SECRETS = ("^[A-Za-z:/_. -]+$", "<project>")
# Hashes of a lock, and values that Pulumi encrypted.
_NO_SECRET_LINES = ("--hash=sha256:[0-9a-f]{64}", '^ *secure: "?(v1:|AAAB)')
_BIN = stack_files.ROOT / ".venv-scan" / "bin"


class ScanError(RuntimeError):
    """A scanner failed."""


# Checkov's checks that do not apply, by Terraform type, with the reason.
SUPPRESSED: Mapping[str, Mapping[str, str]] = {
    "aws_api_gateway_method_settings": {
        "CKV_AWS_225": "Cache: no response of this API may stand for another request.",
    },
    "aws_api_gateway_stage": {
        "CKV_AWS_120": "Cache: a POST must reach the function; it costs 14 USD a month or more.",
        "CKV2_AWS_4": "Execution logs contain headers and bodies; access logs have each request.",
        "CKV2_AWS_29": "Usage plans limit the cost. A stack that faces abuse sets waf_rate_limit.",
        "CKV2_AWS_51": "A client certificate is for HTTP backends; IAM admits this API alone.",
    },
    "aws_cloudwatch_log_group": {
        "CKV_AWS_158": "CloudWatch Logs encrypts with its own key, or with kms_key_arn.",
        "CKV_AWS_338": "Logs may contain personal data, so log_retention_days deletes them.",
    },
    "aws_dynamodb_table": {
        "CKV_AWS_119": "DynamoDB encrypts with an AWS key, or with kms_key_arn.",
    },
    "aws_lambda_function": {
        "CKV_AWS_115": "Usage plans throttle first. A stack sets reserved_concurrency if it must.",
        "CKV_AWS_116": "API Gateway waits for the response; jobs have a dead-letter queue.",
        "CKV_AWS_117": "The function reaches AWS by IAM and TLS; vpc_subnets puts it into a VPC.",
        "CKV_AWS_173": "The environment holds no secret. Lambda encrypts it, or kms_key_arn does.",
        "CKV_AWS_272": "One pipeline builds the code from hashed locks, and deploys it.",
    },
    "aws_s3_bucket": {
        "CKV_AWS_18": "Access logs need a second bucket; CloudTrail covers each bucket.",
        "CKV_AWS_21": "Versions keep what expires_after_days deletes. A Bucket can set versioned.",
        "CKV_AWS_144": "S3 stores each object in three zones; another region doubles the cost.",
        "CKV_AWS_145": "S3 encrypts with its own key; another one costs a call of KMS each time.",
        "CKV2_AWS_62": "A bucket notifies the job of its ObjectTrigger, if there is one.",
    },
    "aws_scheduler_schedule": {
        "CKV_AWS_297": "A schedule holds a time and an ARN, encrypted with an AWS key.",
    },
    "aws_secretsmanager_secret": {
        "CKV_AWS_149": "Secrets Manager encrypts with an AWS key, or with kms_key_arn.",
        "CKV2_AWS_57": "Only the issuer of a secret can rotate it; functions read new versions.",
    },
    "aws_sns_topic": {
        "CKV_AWS_26": "CloudWatch cannot publish with SNS's own key. An alarm names no caller.",
    },
}
# Point-in-time recovery: a stack without protect_data may lose its data.
_ONLY_PROTECTED = "CKV_AWS_28"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A failed check of checkov's on one resource of a stack; `type` is Terraform's."""

    stack: str
    check: str
    type: str
    name: str
    title: str

    def __str__(self) -> str:
        return f"{self.stack}: {self.check} {self.type}.{self.name}: {self.title}"


def _run(*arguments: str | Path, cwd: Path = stack_files.ROOT) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(arguments, cwd=cwd, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise ScanError(f"{arguments[0]} is missing; run it as: make scan") from None


def _last_line(run: subprocess.CompletedProcess[str]) -> str:
    """Return the last output line of a failed command, shortened to 160 characters."""
    lines = (run.stderr.strip() or run.stdout.strip()).splitlines() or [f"exit {run.returncode}"]
    return f"{Path(run.args[0]).name}: {textwrap.shorten(lines[-1], 160)}"


def _json(run: subprocess.CompletedProcess[str]) -> Any:
    try:
        return json.loads(run.stdout)
    except ValueError:
        raise ScanError(_last_line(run)) from None


def check(rendered: Mapping[str, Mapping[str, pulumi_program.Properties]]) -> list[Finding]:
    """Return checkov's findings on Terraform JSON files, by stack and file name.

    Raises ScanError if checkov fails or cannot read a file.
    """
    with tempfile.TemporaryDirectory(prefix="epoch-scan-") as folder:
        for stack, files in rendered.items():
            for name, content in files.items():
                path = Path(folder, stack, name)
                path.parent.mkdir(exist_ok=True)
                path.write_text(json.dumps(content, indent=1), encoding="utf-8")
        report = _json(
            _run(
                *(_BIN / "checkov", "--directory", folder, "--framework", "terraform_json"),
                *("--skip-download", "--quiet", "--compact", "--output", "json"),
            )
        )
    if report["summary"]["parsing_errors"]:
        raise ScanError(f"checkov cannot read {', '.join(report['results']['parsing_errors'])}")
    findings = []
    for failed in report["results"]["failed_checks"]:
        stack, file = Path(failed["file_path"]).parts[-2:]
        findings.append(
            Finding(
                stack=stack,
                check=failed["check_id"],
                type=file.removesuffix(".tf.json"),
                name=failed["resource"].partition(".")[2],
                title=failed["check_name"],
            )
        )
    return findings


def unsuppressed(findings: Iterable[Finding], unprotected: Collection[str] = ()) -> list[str]:
    """Return the findings that SUPPRESSED does not name.

    `unprotected` names the stacks without protect_data.
    """
    return [
        str(finding)
        for finding in findings
        if finding.check not in SUPPRESSED.get(finding.type, {})
        and not (finding.check == _ONLY_PROTECTED and finding.stack in unprotected)
    ]


def routes_without_authentication(document: Mapping[str, Any], public: Set[str]) -> list[str]:
    """Return the operations of an imported document that wrongly need no authentication.

    Public routes, preflights, and undeclared methods of a path with a public route need none.
    """
    wrong = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            name = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
            mock = operation.get("x-amazon-apigateway-integration", {}).get("type") == "mock"
            open_path = name == "ANY" and any(route.endswith(f" {path}") for route in public)
            if not (operation.get("security") or mock or open_path or f"{name} {path}" in public):
                wrong.append(f"{name} {path} needs no authentication and is not Public")
    return wrong


def _files(root: Path, *patterns: str) -> list[str]:
    """Return the files that git does not ignore, limited to the patterns if there are any."""
    listing = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns)
    listed = _run(*listing, cwd=root)
    if listed.returncode:
        raise ScanError(_last_line(listed))
    return [name for name in listed.stdout.split("\0") if (root / name).is_file()]


def secrets(root: Path = stack_files.ROOT) -> list[str]:
    """Return the places of secrets in the files that git does not ignore, by detect-secrets."""
    files = _files(root)
    found = _json(
        _run(
            *(_BIN / "detect-secrets", "scan", "--no-verify"),
            *(f"--exclude-lines={pattern}" for pattern in _NO_SECRET_LINES),
            *(f"--exclude-secrets={pattern}" for pattern in _NO_SECRETS),
            *files,
            cwd=root,
        )
    )
    return [
        f"{name}:{secret['line_number']}: {secret['type']}"
        for name, of_file in found["results"].items()
        for secret in of_file
    ]


def vulnerabilities(osv: str = OSV) -> list[str]:
    """Return the known vulnerabilities of the locked packages, by OSV's database.

    Raises ScanError if the database is unreachable.
    """
    audit = (
        *(_BIN / "pip-audit", "--vulnerability-service", "osv", "--osv-url", osv),
        *("--disable-pip", "--progress-spinner", "off", "--format", "json", "--requirement"),
    )
    # Separate runs: two locks may hold different versions of a package.
    locks = _files(stack_files.ROOT, "*requirements*.txt", f":!{_NOT_AUDITED}")
    reports = [_json(_run(*audit, lock)) for lock in locks]
    return sorted(
        {
            f"{package['name']} {package['version']}: {known['id']}, "
            f"fixed in {', '.join(known['fix_versions']) or 'no version'}"
            for report in reports
            for package in report["dependencies"]
            for known in package["vulns"]
        }
    )


def _stacks() -> list[str]:
    stacks = stack_files.stacks()
    rendered = {
        stack: terraform_json.render(terraform_json.declared_resources(stack)) for stack in stacks
    }
    public = {one.route for one in load_endpoints() if isinstance(one.auth, Public)}
    open_routes = [
        f"{stack}: {problem}"
        for stack, files in rendered.items()
        for api in files["aws_api_gateway_rest_api.tf.json"]["resource"].values()
        for arguments in api.values()
        for problem in routes_without_authentication(json.loads(arguments["body"]), public)
    ]
    unprotected = set(filter(is_unprotected, stacks))
    return unsuppressed(check(rendered), unprotected) + open_routes


def is_unprotected(stack: str) -> bool:
    """Return True if a stack does not set protect_data."""
    return not any(
        key.endswith(":protect_data") and value == "true"
        for key, value in stack_files.stack_config(stack).items()
    )


def main() -> list[str]:
    """Run every part, print a line for each, and return the findings.

    Raises ScanError if a part fails.
    """
    findings: list[str] = []

    def report(part: str, found: list[str]) -> None:
        print(f"{part}: {len(found) or 'nothing'} found", flush=True)
        findings.extend(found)

    report("declared resources", _stacks())
    report("secrets in the tree", secrets())
    try:
        report("vulnerabilities in the locks", vulnerabilities())
    except ScanError as error:
        if os.environ.get("EPOCH_AUDIT") == "required":
            raise
        print(f"vulnerabilities in the locks: not checked ({error})", flush=True)
    return findings


if __name__ == "__main__":
    sys.exit(cli.run(main))
