"""Jobs, added to a copy of the project as files of their own and run in its local stack."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ONCE = '''
"""Greet once."""

from function.job import Job, Schedule, Tick


def greet(tick: Tick) -> dict[str, str]:
    """Note when it was due."""
    return {"due": str(tick.time)}


JOB = Job(trigger=Schedule("at(%s)"), summary="Greet once.", handle=greet)
'''

# Runs in the copy: every log line of the jobs, until each of them has said as many as it is to.
USE = """
import json, sys, time
from local import deploy
expected = json.loads(sys.argv[1])
with deploy.up("dev") as local:
    logs = local.emulator.client("logs")
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


def _lines(project: Path, **expected: int) -> list[dict[str, Any]]:
    command = [sys.executable, "-c", USE, json.dumps(expected)]
    run = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return list(json.loads(run.stdout))


def test_a_job_on_a_schedule_runs_at_its_time_and_logs_like_a_request(project: Path) -> None:
    due = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=12)
    text = ONCE % due.replace(tzinfo=None).isoformat()
    (project / "function" / "jobs" / "greet.py").write_text(text)
    (line,) = _lines(project, greet=1)
    assert (line["route"], line["outcome"]) == ("greet", "success")
    assert line["due"] == str(int(due.timestamp())) and line["traceId"] and line["requestId"]
