"""Loads the jobs and checks their references. The API's function never imports this."""

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache

from function.declare.checks import declaration_errors, words
from function.declare.job import Job
from function.declare.loader import load_package
from function.declare.registry import raise_first, reference_errors
from function.declare.trigger import QueueTrigger, ScheduleTrigger

# Leaves room for project and stack in the 64 characters of a function's name.
_MAX_NAME_LENGTH = 30

# The number of jobs that can read from a declaration, by the trigger's field with its name.
_MAX_CONSUMERS = {
    "queue": 1,  # SQS gives each message to one consumer.
    "table": 2,  # DynamoDB lets two consumers read a shard at once.
    "bucket": 1,  # S3 keeps one notification configuration for each bucket.
}


def _consumer_errors(jobs: Mapping[str, Job]) -> Iterator[str]:
    for field, limit in _MAX_CONSUMERS.items():
        for name, consumers in Counter(
            getattr(job.trigger, field, "") for job in jobs.values()
        ).items():
            if name and consumers > limit:
                yield (
                    f"{consumers} jobs read {field} {name!r}; AWS allows {limit}. Let one of them "
                    "send to a queue for each further job"
                )


def validate_jobs(jobs: Mapping[str, Job]) -> Mapping[str, Job]:
    """Return the jobs, by name.

    Raises DeclarationError for a job that AWS would refuse, an unknown table, queue or setting, or
    a source with more consumers than its service allows.
    """
    for name, job in jobs.items():
        raise_first(
            f"function/jobs/{name}.py",
            words("_", _MAX_NAME_LENGTH)("name", name),
            declaration_errors(job),
            reference_errors(job.trigger, *job.permissions),
        )
    raise_first("function/jobs", _consumer_errors(jobs))
    return jobs


def consumers_by_queue(jobs: Mapping[str, Job]) -> Mapping[str, Job]:
    """Return the job that consumes each queue, by the queue's name."""
    return {
        job.trigger.queue: job for job in jobs.values() if isinstance(job.trigger, QueueTrigger)
    }


def has_schedules(jobs: Mapping[str, Job]) -> bool:
    """Return True if a schedule starts a job."""
    return any(isinstance(job.trigger, ScheduleTrigger) for job in jobs.values())


@cache
def load_jobs() -> Mapping[str, Job]:
    """Return the jobs of `function/jobs` by name; raise DeclarationError for an invalid one."""
    return validate_jobs(load_package("function.jobs", Job))
