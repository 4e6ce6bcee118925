"""Loads the jobs and checks their references. The API's function never imports this."""

import importlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import chain

from function.declare.checks import name_errors
from function.declare.errors import DeclarationError
from function.declare.job import Job
from function.declare.registry import (
    load_buckets,
    load_queues,
    load_tables,
    module_names,
    reference_errors,
    unknown_name_errors,
)

# Leaves room for project and stack in the 64 characters of a function's name.
_MAX_NAME_LENGTH = 30

# The declarations that a trigger can read from, by their kind.
_SOURCE_LOADERS: Mapping[str, Callable[[], Mapping[str, object]]] = {
    "bucket": load_buckets,
    "queue": load_queues,
    "table": load_tables,
}


def _source_errors(job: Job) -> Iterator[str]:
    if source := job.trigger.source:
        yield from unknown_name_errors(source.kind, source.name, _SOURCE_LOADERS[source.kind]())


def _consumer_errors(jobs: Mapping[str, Job]) -> Iterator[str]:
    for source, consumers in Counter(job.trigger.source for job in jobs.values()).items():
        if source and consumers > source.max_consumers:
            yield (
                f"{consumers} jobs read {source.kind} {source.name!r}; AWS allows "
                f"{source.max_consumers}. Let one of them send to a queue for each further job"
            )


def validate_jobs(jobs: Mapping[str, Job]) -> Mapping[str, Job]:
    """Return the jobs by name, sorted.

    Raises DeclarationError for a job that AWS would refuse, an unknown table, queue or setting, or
    a source with more consumers than its service allows.
    """
    tables = load_tables()
    for name, job in jobs.items():
        names = name_errors(name, "_", _MAX_NAME_LENGTH)
        references = reference_errors(job.permissions, tables)
        for error in chain(names, job.errors(), _source_errors(job), references):
            raise DeclarationError(f"function/jobs/{name}.py: {error}")
    for error in _consumer_errors(jobs):
        raise DeclarationError(f"function/jobs: {error}")
    return dict(sorted(jobs.items()))


def consumers_by_queue(jobs: Mapping[str, Job]) -> Mapping[str, Job]:
    """Return the job that consumes each queue, by the queue's name."""
    sources = ((job.trigger.source, job) for job in jobs.values())
    return {source.name: job for source, job in sources if source and source.kind == "queue"}


def load_job(name: str) -> Job:
    """Return the job of a module; raise DeclarationError if it declares none."""
    job = getattr(importlib.import_module(f"function.jobs.{name}"), "JOB", None)
    if not isinstance(job, Job):
        raise DeclarationError(f"function/jobs/{name}.py declares no JOB; assign JOB = Job(…)")
    return job


@cache
def load_jobs() -> Mapping[str, Job]:
    """Return the jobs of `function/jobs` by name; raise DeclarationError for an invalid one."""
    package = importlib.import_module("function.jobs")
    names = module_names(package.__path__[0], package.__name__)
    return validate_jobs({name: load_job(name) for name in names})
