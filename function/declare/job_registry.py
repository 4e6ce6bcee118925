"""Loads the jobs, and checks what one says of another declaration; what serves the API has none."""

import importlib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain

from function.declare.errors import DeclarationError
from function.declare.job import Changes, Job, Messages
from function.declare.registry import (
    declared_tables,
    modules,
    unknown_queue,
    unknown_table,
    wrong_references,
)

# Leaves room for project and stack in the 64 characters of a function's name.
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST = 30
# DynamoDB's rule: how many may read a stream's shard at once.
_READERS = 2


def _wrong_references(job: Job) -> Iterator[str]:
    if isinstance(job.trigger, Messages):
        yield from unknown_queue(job.trigger.queue)
    elif isinstance(job.trigger, Changes):
        yield from unknown_table(job.trigger.table, declared_tables())
    yield from wrong_references(job.access, declared_tables())


def check(jobs: Mapping[str, Job]) -> Mapping[str, Job]:
    """Return the jobs by name, sorted; raise DeclarationError where one cannot work, or two cannot
    coexist."""
    for name, job in jobs.items():
        where = f"function/jobs/{name}.py"
        if not _NAME.fullmatch(name) or len(name) > _LONGEST:
            raise DeclarationError(
                f"{where}: a job's name is up to {_LONGEST} characters of a-z, 0-9 and single '_'"
            )
        for problem in chain(job.problems(), _wrong_references(job)):
            raise DeclarationError(f"{where}: {problem}")
    queues = [job.trigger.queue for job in jobs.values() if isinstance(job.trigger, Messages)]
    for queue in {queue for queue in queues if queues.count(queue) > 1}:
        raise DeclarationError(
            f"function/jobs: several jobs take the messages of {queue!r}, of which each goes to "
            "one; give each job a queue of its own"
        )
    tables = [job.trigger.table for job in jobs.values() if isinstance(job.trigger, Changes)]
    for table in {table for table in tables if tables.count(table) > _READERS}:
        raise DeclarationError(
            f"function/jobs: {tables.count(table)} jobs follow the changes of {table!r}, of which "
            f"DynamoDB lets {_READERS} read; let one send to a queue for each further job"
        )
    return dict(sorted(jobs.items()))


def takers_of(jobs: Mapping[str, Job]) -> Mapping[str, Job]:
    """Return the job that takes a queue's messages, by the queue's name."""
    return {job.trigger.queue: job for job in jobs.values() if isinstance(job.trigger, Messages)}


def load(name: str) -> Job:
    """Return the job of a module; raise DeclarationError for one without."""
    job = getattr(importlib.import_module(f"function.jobs.{name}"), "JOB", None)
    if not isinstance(job, Job):
        raise DeclarationError(f"function/jobs/{name}.py declares no JOB")
    return job


@cache
def declared() -> Mapping[str, Job]:
    """Return the jobs of `function/jobs` by name; raise DeclarationError for what cannot work."""
    package = importlib.import_module("function.jobs")
    return check({name: load(name) for name in modules(package.__path__[0], package.__name__)})
