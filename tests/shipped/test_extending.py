"""docs/extending.md, executed: its examples are added to a copy of the project and called there."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from local.program import ROOT

PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
_FILE = re.compile(r"^`(\S+\.\w+)`:\n\n```\w+\n(.*?)```", re.M | re.S)
_CALL = re.compile(
    r"^(GET|POST|PUT|DELETE) (\S+)(?: (\{.*\}|without a key))?\n→ (\d+)(?: (\{.*\}))?$", re.M
)
# What of the copy's suite must stay green as it is.
RULES = ("tests/test_infrastructure.py", "tests/test_tables.py", "tests/test_settings.py")

# Runs in the copy: makes the calls, and prints what is answered to each.
USE = """
import json, sys
from local import deploy
calls = json.load(sys.stdin)
with deploy.up("preview") as local:
    replies = [
        local.call(
            key="" if sent == "without a key" else None,
            method=method,
            path=path,
            body=json.loads(sent) if sent.startswith("{") else None,
        )
        for method, path, sent in calls
    ]
    iam = local.emulator.client("iam")
    name = local.outputs["function_name"]
    function = local.emulator.client("lambda").get_function_configuration(FunctionName=name)
    role = function["Role"].rsplit("/", 1)[1]
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    cloudwatch = local.emulator.client("cloudwatch")
    (board,) = cloudwatch.list_dashboards()["DashboardEntries"]
    board = cloudwatch.get_dashboard(DashboardName=board["DashboardName"])["DashboardBody"]
    print(json.dumps({
        "name": name,
        "replies": [[reply.status, json.loads(reply.body or "{}")] for reply in replies],
        "environment": function["Environment"]["Variables"],
        "policy": iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"],
        "alarms": [a["AlarmName"] for a in cloudwatch.describe_alarms()["MetricAlarms"]],
        "board": board,
        "log": local.log_lines(),
    }))
"""


def _run(project: Path, *command: str, sent: str = "") -> str:
    run = subprocess.run(
        command, cwd=project, input=sent, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def _extend(project: Path) -> None:
    """Add every example: what a file has already stays as it is."""
    for name, text in _FILE.findall(PAGE):
        with (project / name).open("a", encoding="utf-8") as file:
            file.write(text)
    settings = project / "Pulumi.yaml"
    settings.write_text(re.sub("(?m)^name: .*", "name: shop", settings.read_text()))
    for stack in project.glob("Pulumi.*.yaml"):
        if "partner_token" not in stack.read_text():
            # As `pulumi config set --secret partner_token` does.
            with stack.open("a", encoding="utf-8") as file:
                file.write("  partner_token:\n    secure: v1:some:thing\n")
    lock = "function/requirements.txt"
    header = (project / lock).read_text().splitlines()[1]
    python = ("--python-platform", "aarch64-manylinux2014", "--python-version", "3.13")
    assert all(option in header for option in python)
    _run(
        project,
        *(sys.executable, "-m", "uv", "pip", "compile", "-q", "--no-annotate"),
        *("--generate-hashes", *python, "function/requirements.in", "-o", lock),
    )


def _fits(answer: Any, expected: Any) -> bool:
    """Return whether an answer has what is expected, and maybe more."""
    if isinstance(expected, dict):
        return all(_fits(answer.get(key), value) for key, value in expected.items())
    return bool(answer == expected)


def test_every_example_of_the_page_works_in_a_copy_whose_rules_stay_green(project: Path) -> None:
    _extend(project)
    calls = _CALL.findall(PAGE)
    assert len(calls) > 9
    sent = json.dumps([call[:3] for call in calls])
    seen = json.loads(_run(project, sys.executable, "-c", USE, sent=sent))
    for (method, path, _, status, expected), reply in zip(calls, seen["replies"]):
        assert reply[0] == int(status) and _fits(
            reply[1], json.loads(expected or "{}")
        ), f"{method} {path}: {reply}"
    assert seen["name"].startswith("shop-preview-")
    assert "only-for-this-machine" not in json.dumps(seen)
    allowed = {
        statement["Resource"] if isinstance(statement["Resource"], str) else "": statement["Action"]
        for statement in seen["policy"]["Statement"]
    }
    (index,) = [arn for arn in allowed if "/index/" in arn]
    assert index.endswith("/index/by-topic") and allowed[index] == ["dynamodb:Query"]
    assert allowed[index.partition("/index/")[0]] == ["dynamodb:PutItem"]
    assert [a for a in seen["alarms"] if a.startswith("shop-preview-endpoint-errors-get-epoch-by-")]
    assert "GET /epoch/{key}: " in seen["board"]
    assert "GET /topics/{topic}" in {line.get("route") for line in seen["log"]}
    _run(project, sys.executable, "-m", "pytest", "-q", "-x", *RULES)
