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
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uv import find_uv_bin

from function.declare.auth import Public
from function.declare.registry import load_endpoints
from local import pulumi_program, stack_files
from tools import cli
from tools.checks import terraform_json

# Checkov pins the scanners' lock, which the project does not use.
_NOT_AUDITED = "requirements-scan.txt"
OSV = "https://api.osv.dev/v1/query"
GGSHIELD = "ggshield==1.56.1"

# Names and placeholders: a real credential has digits. The snapshot has a placeholder in each
# name and ARN.
_NO_SECRETS = ("^[A-Za-z:/_. -]+$", "<project>")
# Hashes of a lock, and values that Pulumi encrypted.
_NO_SECRET_LINES = ("--hash=sha256:[0-9a-f]{64}", '^ *secure: "?(v1:|AAAB)')
_BIN = stack_files.ROOT / ".venv-scan" / "bin"


class ScanError(RuntimeError):
    """A scanner failed."""


@dataclass(frozen=True, kw_only=True)
class Suppression:
    """A checkov check that does not apply to a Terraform type, with the reason.

    It applies to every stack, or only to those with `unprotected` data. An `optional` one covers
    a resource that only an extension declares.
    """

    check: str
    type: str
    reason: str
    unprotected: bool = False
    optional: bool = False


SUPPRESSIONS = (
    Suppression(
        check="CKV_AWS_120",
        type="aws_api_gateway_stage",
        reason="A cache would answer a POST that must record, and costs 14 USD a month at least.",
    ),
    Suppression(
        check="CKV_AWS_225",
        type="aws_api_gateway_method_settings",
        reason="The cache again: no answer of this API may stand for another request.",
    ),
    Suppression(
        check="CKV2_AWS_4",
        type="aws_api_gateway_stage",
        reason="Execution logs hold headers and bodies, in a log group that API Gateway creates, "
        "keeps for ever and leaves behind. Access logs hold every request with its error.",
    ),
    Suppression(
        check="CKV2_AWS_29",
        type="aws_api_gateway_stage",
        reason="Keys and usage plans bound what a caller costs. A web ACL is some 10 USD a month "
        "and 0.60 USD per million requests; a stack that faces abuse sets waf_rate_limit.",
    ),
    Suppression(
        check="CKV2_AWS_51",
        type="aws_api_gateway_stage",
        reason="A client certificate proves API Gateway to an HTTP backend. This one is Lambda, "
        "which IAM lets be invoked by this API alone.",
    ),
    Suppression(
        check="CKV_AWS_158",
        type="aws_cloudwatch_log_group",
        reason="CloudWatch Logs encrypts all it stores with a key of its own. One of yours, "
        "by kms_key_arn, pays off where not all who may read logs are to decrypt them.",
    ),
    Suppression(
        check="CKV_AWS_338",
        type="aws_cloudwatch_log_group",
        reason="Logs are for finding faults, and what may hold personal data is not to be kept "
        "for longer than that takes: the days that a stack sets. The records are in the table.",
    ),
    Suppression(
        check="CKV_AWS_28",
        type="aws_dynamodb_table",
        unprotected=True,
        reason="Data without protect_data may be lost; with it there is point-in-time recovery.",
    ),
    Suppression(
        check="CKV_AWS_119",
        type="aws_dynamodb_table",
        reason="DynamoDB encrypts every table, by default with a key of AWS's own. A stack that "
        "wants a key of its account sets kms_key_arn.",
    ),
    Suppression(
        check="CKV_AWS_26",
        type="aws_sns_topic",
        reason="AWS's own key for SNS does not let CloudWatch and other services publish; the "
        "deployer's does, by kms_key_arn. A message of an alarm names no caller and no record.",
    ),
    Suppression(
        check="CKV_AWS_149",
        type="aws_secretsmanager_secret",
        optional=True,
        reason="The key that AWS manages for Secrets Manager encrypts it. A customer managed key "
        "is 1 USD a month; it pays off where the right to decrypt is withheld from who may "
        "read the secret.",
    ),
    Suppression(
        check="CKV2_AWS_57",
        type="aws_secretsmanager_secret",
        optional=True,
        reason="Only who issues a secret can rotate it; the function takes up a new version, "
        "whoever puts it there.",
    ),
    Suppression(
        check="CKV_AWS_18",
        type="aws_s3_bucket",
        optional=True,
        reason="Access logs of a bucket need a second bucket. A team whose auditors ask for "
        "them adds CloudTrail data events, which cover every bucket of the account.",
    ),
    Suppression(
        check="CKV2_AWS_62",
        type="aws_s3_bucket",
        optional=True,
        reason="A bucket notifies the job that its ObjectTrigger names. A bucket without such a "
        "job has nobody to notify.",
    ),
    Suppression(
        check="CKV_AWS_144",
        type="aws_s3_bucket",
        optional=True,
        reason="S3 stores each object in three zones at least. A copy in another region doubles "
        "the cost, and replica_regions covers the tables only.",
    ),
    Suppression(
        check="CKV_AWS_21",
        type="aws_s3_bucket",
        optional=True,
        reason="Versions would keep what expires_after_days deletes. A stack that needs them "
        "sets the versioning in customize.py.",
    ),
    Suppression(
        check="CKV_AWS_145",
        type="aws_s3_bucket",
        optional=True,
        reason="S3 encrypts every object with a key of its own. A key of the account costs a call "
        "of KMS for each object.",
    ),
    Suppression(
        check="CKV_AWS_297",
        type="aws_scheduler_schedule",
        optional=True,
        reason="A schedule holds a time and its function's ARN; EventBridge Scheduler encrypts it "
        "with a key of AWS's own.",
    ),
    Suppression(
        check="CKV_AWS_115",
        type="aws_lambda_function",
        reason="Reserved concurrency is taken from all other functions of the account and caps "
        "this one. The usage plans throttle first; a stack that shares its account can set it.",
    ),
    Suppression(
        check="CKV_AWS_116",
        type="aws_lambda_function",
        reason="A dead-letter queue takes failed asynchronous events. API Gateway invokes "
        "synchronously: the caller gets the failure and repeats it with its Idempotency-Key. "
        "What a job cannot handle goes to its dead-letter queue by its trigger.",
    ),
    Suppression(
        check="CKV_AWS_117",
        type="aws_lambda_function",
        reason="The function reaches DynamoDB, CloudWatch and X-Ray, all by IAM and TLS. A VPC "
        "adds subnets, endpoints and hosts of NAT to run and pay for, and protects nothing here.",
        optional=True,  # vpc_subnets
    ),
    Suppression(
        check="CKV_AWS_173",
        type="aws_lambda_function",
        reason="The environment holds names and numbers, no secret; Lambda encrypts it at rest "
        "with a key that AWS manages; kms_key_arn adds a call of KMS to cold starts.",
    ),
    Suppression(
        check="CKV_AWS_272",
        type="aws_lambda_function",
        reason="Code signing proves who built an archive that others hand on. Here one pipeline "
        "builds, from hashed locks, and deploys by itself; its role is who may change the code.",
    ),
)


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


def unsuppressed(
    findings: Iterable[Finding],
    suppressions: Sequence[Suppression],
    unprotected: Collection[str] = (),
) -> list[str]:
    """Return the findings without a suppression, and the suppressions without a finding.

    `unprotected` names the stacks with unprotected data.
    """
    wrong, used = [], set()
    for finding in findings:
        matching = [
            each
            for each in suppressions
            if (each.check, each.type) == (finding.check, finding.type)
            and (finding.stack in unprotected or not each.unprotected)
        ]
        used.update(matching)
        if not matching:
            wrong.append(str(finding))
    wrong += [
        f"{each.check} is suppressed for {each.type} but finds nothing: remove it from SUPPRESSIONS"
        for each in suppressions
        if each not in used and not each.optional and (unprotected or not each.unprotected)
    ]
    return wrong


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
    return unsuppressed(check(rendered), SUPPRESSIONS, unprotected) + open_routes


def is_unprotected(stack: str) -> bool:
    """Return True if a stack does not set protect_data."""
    return not any(
        key.endswith(":protect_data") and value == "true"
        for key, value in stack_files.stack_config(stack).items()
    )


def _gitguardian() -> list[str]:
    run = _run(
        *(find_uv_bin(), "tool", "run", "--quiet", "--from", GGSHIELD),
        *("ggshield", "secret", "scan", "path", "--recursive", "--use-gitignore", "--yes", "."),
    )
    return [_last_line(run)] if run.returncode else []


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
    if os.environ.get("GITGUARDIAN_API_KEY"):
        report("GitGuardian", _gitguardian())
    else:
        print("GitGuardian: not run, GITGUARDIAN_API_KEY is not set")
    return findings


if __name__ == "__main__":
    sys.exit(cli.run(main))
