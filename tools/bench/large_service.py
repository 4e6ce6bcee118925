"""Copies the project, and declares more in the copy: many endpoints, and some tables and jobs."""

from pathlib import Path

from tools.project_copy import copy_of_project

_ENDPOINT = '''"""One more."""

from function.endpoints.{first} import ENDPOINT as FIRST

ENDPOINT = FIRST._replace(path="/more-{number}", path_parameters=(), sample=None)
'''
_JOB = '''"""One more."""

from function.declare.job import Job
from function.declare.trigger import ScheduledRun, ScheduleTrigger


def work(run: ScheduledRun) -> None:
    """Do nothing."""


JOB = Job(trigger=ScheduleTrigger("rate(1 day)"), summary="Does nothing.", handle=work)
'''
_TABLE = 'MORE_{number} = Table(name="more-{number}", partition_key="key")\n'
_ENDPOINTS_PER_JOB = 5


def copy(target: Path, endpoints: int) -> Path:
    """Return a copy with so many endpoints, and a table and a job for five of them.

    The further endpoints are copies of the first one on other paths.
    """
    project = copy_of_project(target)
    function = project / "function"
    own = sorted(path.stem for path in function.glob("endpoints/[a-z]*.py"))
    for number in range(len(own), endpoints):
        text = _ENDPOINT.format(first=own[0], number=number)
        (function / "endpoints" / f"more_{number}.py").write_text(text, encoding="utf-8")
    with (function / "tables.py").open("a", encoding="utf-8") as tables:
        for number in range(endpoints // _ENDPOINTS_PER_JOB):
            tables.write(_TABLE.format(number=number))
            (function / "jobs" / f"more_{number}.py").write_text(_JOB, encoding="utf-8")
    return project
