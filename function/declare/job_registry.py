"""Loads the jobs and checks their references. The API's function never imports this."""

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain

from function.declare.checks import declaration_errors, words
from function.declare.errors import DeclarationError
from function.declare.job import Job
from function.declare.loader import load_package
from function.declare.registry import (
    LOADERS,
    load_tables,
    reference_errors,
    setting_errors,
    unknown_name_errors,
)
from function.declare.trigger import SOURCES, QueueTrigger

# Leaves room for project and stack in the 64 characters of a function's name.
_MAX_NAME_LENGTH = 30


def _sources(*jobs: Job) -> Iterator[tuple[str, str, int]]:
    """Yield the kind, the name and the limit of jobs of each declaration that jobs read from."""
    for trigger in (job.trigger for job in jobs):
        if type(trigger) in SOURCES:
            kind, limit = SOURCES[type(trigger)]
            yield kind, getattr(trigger, kind), limit


def _source_errors(job: Job) -> Iterator[str]:
    for kind, name, _ in _sources(job):
        yield from unknown_name_errors(kind, name, LOADERS[kind]())
    yield from setting_errors(getattr(job.trigger, "bus", ""))


def _consumer_errors(jobs: Mapping[str, Job]) -> Iterator[str]:
    for (kind, name, limit), consumers in Counter(_sources(*jobs.values())).items():
        if consumers > limit:
            yield (
                f"{consumers} jobs read {kind} {name!r}; AWS allows {limit}. Let one of them send "
                "to a queue for each further job"
            )


def validate_jobs(jobs: Mapping[str, Job]) -> Mapping[str, Job]:
    """Return the jobs, by name.

    Raises DeclarationError for a job that AWS would refuse, an unknown table, queue or setting, or
    a source with more consumers than its service allows.
    """
    tables = load_tables()
    for name, job in jobs.items():
        names = words("_", _MAX_NAME_LENGTH)("name", name)
        references = reference_errors(job.permissions, tables)
        for error in chain(names, declaration_errors(job), _source_errors(job), references):
            raise DeclarationError(f"function/jobs/{name}.py: {error}")
    for error in _consumer_errors(jobs):
        raise DeclarationError(f"function/jobs: {error}")
    return jobs


def consumers_by_queue(jobs: Mapping[str, Job]) -> Mapping[str, Job]:
    """Return the job that consumes each queue, by the queue's name."""
    return {
        job.trigger.queue: job for job in jobs.values() if isinstance(job.trigger, QueueTrigger)
    }


@cache
def load_jobs() -> Mapping[str, Job]:
    """Return the jobs of `function/jobs` by name; raise DeclarationError for an invalid one."""
    return validate_jobs(load_package("function.jobs", Job))
