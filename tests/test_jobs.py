"""Jobs, added to a copy of the project as files of their own and run in its local stack."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

ONCE = '''
"""Greet once."""

from datetime import UTC, datetime, timedelta

from function.job import Job, Schedule, Tick


def greet(tick: Tick) -> dict[str, str]:
    """Note when it was due."""
    return {"due": str(tick.time)}


SOON = (datetime.now(UTC) + timedelta(seconds=20)).strftime("at(%Y-%m-%dT%H:%M:%S)")
JOB = Job(trigger=Schedule(SOON), summary="Greet once.", handle=greet)
'''

ORDERS = """
from function.messages import Queue

ORDERS = Queue(name="orders")
"""

ORDER = '''
"""POST /order: take an order, which a job handles."""

from function import messages
from function.contract import Answer, Endpoint, Request
from function.queues import ORDERS


def order(request: Request) -> Answer:
    """Send what the query asks for."""
    return Answer(status=202, body={"id": messages.send(ORDERS, dict(request.query))})


ENDPOINT = Endpoint(
    method="POST",
    path="/order",
    summary="Order.",
    handle=order,
    answers={202: {"type": "object"}},
    access=(messages.Send(queue=ORDERS.name),),
)
'''

SHIP = '''
"""Ship orders."""

from function.job import Job, Message, Messages
from function.queues import ORDERS


def ship(message: Message) -> dict[str, str]:
    """Ship, unless it is a bad order."""
    if message.body["what"] == "bad":
        raise ValueError("cannot be shipped")
    return {"what": message.body["what"]}


JOB = Job(
    trigger=Messages(queue=ORDERS.name, attempts=2), summary="Ship.", handle=ship, timeout_s=1
)
'''

AUDIT = '''
"""Note what is recorded, and undo what must not be."""

from function import storage
from function.contract import Access
from function.job import Change, Changes, Job
from function.tables import EPOCHS


def audit(change: Change) -> dict[str, str]:
    """Delete each new record."""
    if change.kind == "INSERT":
        storage.call("delete_item", EPOCHS, Key={"key": change.new["key"]})
    return {"kind": change.kind, "key": (change.new or change.old)["key"]["S"]}


JOB = Job(
    trigger=Changes(table=EPOCHS.name),
    summary="Audit.",
    handle=audit,
    access=(Access(table=EPOCHS.name, actions=("dynamodb:DeleteItem",)),),
)
'''

# Runs in the copy: every log line of the jobs, until each of them has said as many as it is to.
USE = """
import json, sys, time
from local import deploy
expected = json.loads(sys.argv[1])
with deploy.up("dev") as local:
    logs = local.emulator.client("logs")
    for path in sys.argv[2:]:
        answer = local.call(path=path)
        assert answer.status < 300, answer
    deadline = time.monotonic() + 60
    lines = []
    while time.monotonic() < deadline:
        groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
        events = [
            event["message"]
            for group in groups if "-job-" in group
            for event in logs.filter_log_events(logGroupName=group)["events"]
        ]
        lines = [
            json.loads(line) for text in events for line in text.splitlines() if line[0] == "{"
        ]
        routes = [line["route"] for line in lines]
        if all(routes.count(route) >= count for route, count in expected.items()):
            break
        time.sleep(0.2)
    print(json.dumps(lines))
"""


def _lines(project: Path, *calls: str, **expected: int) -> list[dict[str, Any]]:
    """Return the lines of the jobs in the copy's local stack, once each route has said its number
    of them after these calls."""
    command = [sys.executable, "-c", USE, json.dumps(expected), *calls]
    run = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return list(json.loads(run.stdout))


def test_a_job_on_a_schedule_runs_at_its_time_and_logs_like_a_request(project: Path) -> None:
    (project / "function" / "jobs" / "greet.py").write_text(ONCE)
    (line,) = _lines(project, greet=1)
    assert (line["route"], line["outcome"]) == ("greet", "success")
    assert line["due"] == str(int(datetime.fromisoformat(line["scheduled"]).timestamp()))
    assert line["traceId"] and line["requestId"]


def test_a_message_is_handled_or_a_dead_letter_and_a_change_reaches_its_follower(
    project: Path,
) -> None:
    function = project / "function"
    for name, text in {
        "queues": ORDERS,
        "endpoints/post_order": ORDER,
        "jobs/ship": SHIP,
        "jobs/audit": AUDIT,
    }.items():
        (function / f"{name}.py").write_text(text)
    # Each bad order twice, with an error's line beside its own; a record, and its deletion.
    lines = _lines(project, "/order?what=tea", "/order?what=bad", "/epoch", ship=1 + 2 * 2, audit=2)
    ship = [line for line in lines if line["route"] == "ship" and line["message"] == "request"]
    shipped, *failed = sorted(ship, key=lambda line: line["outcome"], reverse=True)
    assert (shipped["outcome"], shipped["what"], shipped["attempt"]) == ("success", "tea", 1)
    assert [(line["outcome"], line["attempt"]) for line in failed] == [("failed", 1), ("failed", 2)]
    assert "cannot be shipped" in str([line for line in lines if line["message"] == "unexpected"])
    audit = [line for line in lines if line["route"] == "audit"]
    assert [line["kind"] for line in audit] == ["INSERT", "REMOVE"]
    assert len({line["key"] for line in audit}) == 1
