"""docs/jobs.md, executed: its examples are added to a copy of the project and run there."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from local.program import ROOT

PAGE = (ROOT / "docs" / "jobs.md").read_text(encoding="utf-8")
_FILE = re.compile(r"^`(\S+\.py)`:\n\n```python\n(.*?)```", re.M | re.S)

# Runs in the copy: makes the calls, then reads the jobs' log lines until each job has said as many
# as it is to.
USE = """
import json, sys, time
from local import deploy
expected = json.loads(sys.argv[1])
with deploy.up("dev") as local:
    # Nobody waits for the night.
    scheduler = local.emulator.client("scheduler")
    (name,) = (schedule["Name"] for schedule in scheduler.list_schedules()["Schedules"])
    schedule = scheduler.get_schedule(Name=name)
    soon = time.strftime("at(%Y-%m-%dT%H:%M:%S)", time.gmtime(time.time() + 2))
    scheduler.update_schedule(
        **{key: schedule[key] for key in ("Name", "FlexibleTimeWindow", "Target")},
        ScheduleExpression=soon,
    )
    replies = [local.call(path=path) for path in sys.argv[2:]]
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        lines = [line for tail in local.job_tails() for line in tail.read()]
        routes = [line["route"] for line in lines]
        if all(routes.count(route) >= count for route, count in expected.items()):
            break
        time.sleep(0.2)
    sqs = local.emulator.client("sqs")
    (letters,) = sqs.list_queues(QueueNamePrefix="epoch-dev-job-ship-order")["QueueUrls"]
    for _ in range(100):
        found = sqs.receive_message(QueueUrl=letters).get("Messages")
        if found:
            break
        time.sleep(0.2)
    print(json.dumps({
        "answers": [[reply.status, reply.json()] for reply in replies],
        "lines": lines,
        "letters": [json.loads(message["Body"]) for message in found or []],
    }))
"""


def test_the_documented_jobs_run_with_nothing_but_their_files(project: Path) -> None:
    for name, text in _FILE.findall(PAGE):
        with (project / name).open("a", encoding="utf-8") as file:
            file.write(text)
    expected = {"count_records": 1, "forget_record": 2, "ship_order": 1 + 2 * 2}
    calls = ("/order?what=tea", "/order?what=unicorn", "/epoch", "/announcement", "/order")
    run = subprocess.run(
        [sys.executable, "-c", USE, json.dumps(expected), *calls],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert [status for status, _ in found["answers"]] == [202, 202, 201, 202, 400]
    assert found["answers"][3][1] == {"failed": 0}
    lines = [line for line in found["lines"] if line["message"] == "request"]

    (counted,) = _of(lines, "count_records")
    assert counted["outcome"] == "success" and counted["records"] in {"0", "1"}
    assert counted["scheduled"] and counted["traceId"] and counted["requestId"]

    # At least once: where the machine is slow, an invocation that has shipped may time out.
    shipped = _of(lines, "ship_order")
    assert {line["what"] for line in shipped if line["outcome"] == "success"} == {"tea"}
    assert {line["attempt"] for line in shipped if line["outcome"] == "failed"} == {1, 2}
    assert found["letters"] == [{"what": "unicorn"}]
    assert "there are no unicorns" in str(found["lines"])

    forgotten = _of(lines, "forget_record")
    assert [line["kind"] for line in forgotten] == ["INSERT", "REMOVE"]
    assert {line["key"] for line in forgotten} == {found["answers"][2][1]["key"]}


def _of(lines: list[dict[str, Any]], route: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["route"] == route]
