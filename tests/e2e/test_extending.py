"""Runs the examples of docs/extending/ in a copy of the project."""

import gzip
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from components.packaging.dependencies import LAMBDA
from function.declare.checks import declaration_errors
from function.declare.job import Job
from function.declare.trigger import ScheduledRun, ScheduleTrigger
from function.runtime import job_handler
from local.stack_files import ROOT
from tests.conftest import run_python
from tools import post_epoch

FOLDER = ROOT / "docs" / "extending"
# In this order: later examples build on earlier ones.
NAMES = (
    *("endpoints", "data", "settings", "authentication", "requests-and-responses", "jobs"),
    *("files", "aws-services", "resources", "networks", "tenants", "testing"),
)
PAGES = "\n".join((FOLDER / f"{name}.md").read_text("utf-8") for name in NAMES)
_FILE = re.compile(r"^`(\S+\.\w+)`(?:, changed)?:\n\n```(\w+)\n(.*?)```", re.M | re.S)
_STEP = re.compile(
    r"^(GET|POST|PUT|PATCH|DELETE|OPTIONS|JOB) (\S+)(?: (\{.*?\}))?"
    r"(?: (signed|without a key|with [^\n]+))?\n"
    r"→ (\w+)(?: (\{.*\}))?$",
    re.M,
)
# The files that an example may change: none of the framework.
_OWN = re.compile(
    r"function/(authorizers|endpoints|jobs)/[a-z_]+\.py"
    r"|function/(tables|settings|queues|topics|buckets|links)\.py"
    r"|tests/service/[a-z_]+\.py|infrastructure\.py"
    r"|function/requirements\.in|Pulumi(\.preview)?\.yaml|secrets\.preview\.yaml"
)


class Step(NamedTuple):
    """A call or a job's run, and its expected outcome."""

    method: str
    path: str
    sent: str
    caller: str
    outcome: str
    expected: str


STEPS = [Step(*found) for found in _STEP.findall(PAGES)]

# Runs in the copy: takes the steps in turn, and prints the outcome of each.
USE = """
import hmac, json, sys, time, urllib.request
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from local import local_stack

def body_of(reply):
    try:
        return json.loads(reply.body or "{}")
    except ValueError:
        return {"text": reply.body}

def raw(method, path, body=None, **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    names["x-api-key"] = local.outputs["default_api_key"]
    url = local.outputs["api_url"] + path
    request = urllib.request.Request(url, body and body.encode(), names, method=method)
    with urllib.request.urlopen(request) as reply:
        headers = {name.lower(): value for name, value in reply.headers.items()}
        return [reply.status, headers, reply.read().hex()]

def signed(method, url, body):
    data = None if body is None else json.dumps(body)
    request = AWSRequest(method, url, {"Content-Type": "application/json"}, data)
    keys = local.emulator.credentials
    SigV4Auth(keys, "execute-api", local.emulator.region).add_auth(request)
    return local_stack.send(method, url, dict(request.headers), data)

def call(method, path, sent, caller):
    given = json.loads(sent) if sent.startswith("{") else None
    preflight = method == "OPTIONS"
    if path == "{url}":  # presigned
        form = {**last["fields"], "file": ("file", sent)} if method == "POST" else None
        reply = local_stack.HTTP.request(method, last["url"], fields=form)
        return [str(reply.status), {k.lower(): v for k, v in reply.headers.items()}]
    headers, key = given if preflight else {}, "" if preflight or caller else None
    if caller.startswith("with key "):
        key = caller.removeprefix("with key ").format_map(last)
    elif caller.startswith("with a token of "):
        name, _, scopes = caller.removeprefix("with a token of ").partition(", scopes ")
        headers = {"Authorization": f"Bearer {local.token(name, scope=scopes)}"}
    elif caller.startswith("with "):
        headers = dict([caller.removeprefix("with ").split(": ")])
    path = path.format_map(last)
    if caller == "signed":
        reply = signed(method, local.outputs["api_url"] + path, given)
    else:
        reply = local.call(
            headers,
            key,
            method=method,
            path=path,
            body=None if preflight else given,
        )
    last.update({} if preflight else body_of(reply))
    headers = {name.title(): value for name, value in reply.headers.items()}
    return [str(reply.status), headers if preflight else body_of(reply)]

def job(name, outcome, expected):
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        said = [line for group in groups for line in local.log_lines(group)]
        for line in said:
            if line.get("route") == name and line.get("outcome") == outcome:
                if expected.items() <= line.items():
                    return [outcome, line]
        time.sleep(0.2)
    return ["nothing", [line for line in said if line.get("route") == name]]

last, seen = {}, []
with local_stack.up("preview") as local:
    # Nobody waits for the night.
    scheduler = local.emulator.client("scheduler")
    for schedule in scheduler.list_schedules()["Schedules"]:
        schedule = scheduler.get_schedule(Name=schedule["Name"])
        soon = time.strftime("at(%Y-%m-%dT%H:%M:%S)", time.gmtime(time.time() + 5))
        scheduler.update_schedule(
            **{key: schedule[key] for key in ("Name", "FlexibleTimeWindow", "Target")},
            ScheduleExpression=soon,
        )
    describe = local.emulator.client("logs").get_paginator("describe_log_groups").paginate
    groups = [g["logGroupName"] for page in describe() for g in page["logGroups"]]
    for method, path, sent, caller, outcome, expected in json.load(sys.stdin):
        if method == "JOB":
            seen.append(job(path, outcome, json.loads(expected or "{}")))
        else:
            seen.append(call(method, path, sent, caller))
    form, event = "name=%3CAda%3E", '{"type": "paid"}'
    raws = [
        raw("GET", "/badge.gif", Accept="image/avif,image/*,*/*"),
        raw("GET", "/topics.csv?limit=100&factor=1&factor=2&factor=3", Accept_Encoding="gzip"),
        raw("POST", "/signup", form, Content_Type="application/x-www-form-urlencoded"),
        raw(
            "POST",
            "/webhook",
            event,
            Content_Type="application/json",
            X_Signature=hmac.digest(b"only-for-this-machine", event.encode(), "sha256").hex(),
        ),
        *(
            raw("PATCH", "/pages/one", change, Content_Type="application/json", If_Match=tag)
            for tag, change in (('"1"', '{"title": "One"}'), ('"2"', "{}"), ('"3"', '{"title": null}'))
        ),
    ]
    client = local.emulator.client
    name = local.outputs["function_name"]
    function = client("lambda").get_function_configuration(FunctionName=name)
    role = function["Role"].rsplit("/", 1)[1]
    (policy,) = client("iam").list_role_policies(RoleName=role)["PolicyNames"]
    (board,) = client("cloudwatch").list_dashboards()["DashboardEntries"]
    environment = function["Environment"]["Variables"]
    queues = client("sqs").list_queues(QueueNamePrefix="shop-preview-job-ship-order")["QueueUrls"]
    for _ in range(1_000):
        letters = client("sqs").receive_message(QueueUrl=queues[0]).get("Messages", [])
        if letters:
            break
        time.sleep(0.2)
    print(json.dumps({
        "seen": seen,
        "raws": raws,
        "name": name,
        "environment": environment,
        "policy": client("iam").get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"],
        "alarms": [a["AlarmName"] for a in client("cloudwatch").describe_alarms()["MetricAlarms"]],
        "board": client("cloudwatch").get_dashboard(**{"DashboardName": board["DashboardName"]}),
        "notes": client("dynamodb").scan(TableName=environment["TABLE_NOTES_NAME"])["Items"],
        "letters": [json.loads(letter["Body"]) for letter in letters],
        "log": local.log_lines(),
    }, default=str))
"""


def _change(text: str, block: str) -> str:
    """Add a diff's new lines after those that they follow."""
    for part in block.strip("\n").split("\n\n"):
        lines = part.split("\n")
        assert all(line[0] in " +" for line in lines)
        before = "\n".join(line[1:] for line in lines if line[0] == " ")
        assert text.count(before) == 1, before
        text = text.replace(before, "\n".join(line[1:] for line in lines))
    return text


def extend(project: Path) -> None:
    """Add every example to the content of its file."""
    for name, language, block in _FILE.findall(PAGES):
        assert _OWN.fullmatch(name), name
        file = project / name
        text = file.read_text() if file.exists() else ""
        if language == "diff":
            text = _change(text, block)
        elif name == "Pulumi.yaml":
            text = re.sub("(?m)^name: .*\n", block, text)
        elif name == "infrastructure.py":
            text = block
        else:
            text += block
        file.write_text(text)
    for stack in project.glob("Pulumi.*.yaml"):
        if "partner_token" not in stack.read_text():
            # As `pulumi config set --secret partner_token` does.
            with stack.open("a", encoding="utf-8") as config:
                config.write("  partner_token:\n    secure: v1:some:thing\n")
    lock = "function/requirements.txt"
    header = (project / lock).read_text().splitlines()[1]
    python = (*LAMBDA, "--only-binary", ":all:")
    assert all(option in header for option in python)
    run_python(
        project,
        *("-m", "uv", "pip", "compile", "-q", "--no-annotate"),
        *("--generate-hashes", *python, "function/requirements.in", "-o", lock),
    )


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _files(prefix: str) -> set[str]:
    """Return the files of the examples whose names begin so."""
    return {name for name, *_ in _FILE.findall(PAGES) if name.startswith(prefix)}


def _fits(answer: Any, expected: Any) -> bool:
    """Test that a response holds the expected values; it may hold more."""
    if isinstance(expected, dict):
        return all(_fits(answer.get(key), value) for key, value in expected.items())
    return bool(answer == expected)


def test_the_index_names_every_page_in_order() -> None:
    index = (ROOT / "docs" / "extending.md").read_text("utf-8")
    assert tuple(re.findall(r"\(extending/([a-z-]+)\.md\)", index)) == NAMES
    assert {path.stem for path in FOLDER.glob("*.md")} == {*NAMES}


def test_the_first_examples_declare_valid_endpoints() -> None:
    for page in ("README.md", "docs/getting-started.md"):
        (source,) = re.findall(
            r"^```python\n(.*?)```", (ROOT / page).read_text("utf-8"), re.M | re.S
        )
        module: dict[str, Any] = {}
        exec(source, module)
        assert not list(declaration_errors(module["ENDPOINT"])), page


def test_the_payload_that_runs_a_scheduled_job_now_is_its_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (payload,) = re.findall(r"--payload '(.*?)'", PAGES)
    runs: list[ScheduledRun] = []
    job = Job(trigger=ScheduleTrigger("rate(1 day)"), summary="Run.", handle=runs.append)
    monkeypatch.setattr(job_handler, "_job", lambda: job)
    monkeypatch.setenv("JOB_NAME", "run")
    job_handler.handler(json.loads(payload), None)
    assert [run.time for run in runs] == [1_769_828_400]


@pytest.mark.skipif(not post_epoch.is_declared(), reason="the examples extend POST /epoch")
def test_every_example_works_in_a_copy(project: Path) -> None:
    extend(project)
    assert len(STEPS) > 20
    seen = json.loads(run_python(project, "-c", USE, sent=json.dumps(STEPS)))
    for step, (outcome, found) in zip(STEPS, seen["seen"], strict=True):
        assert outcome == step.outcome, f"{step}: {found}"
        assert _fits(found, json.loads(step.expected or "{}")), f"{step}: {found}"
    image, table, page, event, *changes = seen["raws"]
    assert image[1]["content-type"] == "image/gif" and bytes.fromhex(image[2])[:6] == b"GIF89a"
    assert table[1]["content-encoding"] == "gzip" and table[1]["content-disposition"]
    assert gzip.decompress(bytes.fromhex(table[2])).endswith(b"\n100,100,200,300\n")
    assert bytes.fromhex(page[2]) == b"<p>Welcome, &lt;Ada&gt;.</p>" and event[0] == 202
    assert page[1]["content-type"] == "text/html; charset=utf-8"
    titles = [(headers["etag"], json.loads(bytes.fromhex(body))) for _, headers, body in changes]
    assert titles == [
        ('"2"', {"title": "One"}),
        ('"3"', {"title": "One"}),
        ('"4"', {"title": None}),
    ]
    assert seen["name"].startswith("shop-preview-")
    assert "only-for-this-machine" not in json.dumps(seen)
    for note in seen["notes"]:
        kept_s = int(note["expires"]["N"]) - int(note["at"]["N"]) // 1_000_000
        assert kept_s == 7 * 86_400
    # The dead-letter queue holds the one message that failed in every attempt.
    assert seen["letters"] == [{"what": "unicorn"}]
    allowed = {
        resource: statement["Action"]
        for statement in seen["policy"]["Statement"]
        for resource in _listed(statement["Resource"])
    }
    (index,) = [arn for arn in allowed if "/index/" in arn]
    assert index.endswith("/index/by-topic") and allowed[index] == ["dynamodb:Query"]
    assert allowed[index.partition("/index/")[0]] == ["dynamodb:PutItem", "dynamodb:Query"]
    assert [a for a in seen["alarms"] if a.startswith("shop-preview-endpoint-errors-get-epoch-by-")]
    assert "GET /epoch/{key}: " in seen["board"]["DashboardBody"]
    assert "GET /topics/{topic}" in {line.get("route") for line in seen["log"]}
    assert [line["_aws"] for line in seen["log"] if "Sales" in line]  # CloudWatch reads it
    run_python(project, "-m", "pytest", "-q", *_files("tests/service/test_"))
