"""Job: a function that a trigger starts.

A module in `function/jobs/` declares one as its `JOB`; the job's name is the module's.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, NamedTuple

from function.declare.checks import Text, between, runs_when_called
from function.declare.permission import Permission, longest_call_s
from function.declare.trigger import Trigger

LogFields = Mapping[str, str | bool]


class FailureAlarm(NamedTuple):
    """An alarm on a job of which `failures` items fail within `period_s` seconds.

    A failed item counts in each of its attempts. CloudWatch takes whole minutes, up to a day.
    """

    failures: Annotated[int, between(1, 1_000_000)]
    period_s: Annotated[int, between(60, 86_400)] = 300


class Job(NamedTuple):
    """A job; function, role, alarms and log lines follow from it.

    `handle` receives one item of the trigger, for example a Message. It returns fields for the log
    line and the trace, or None. If it raises, the item fails: it is delivered again, and goes to
    the job's dead-letter queue after the trigger's last attempt. `timeout_s` (1 to 900) is for an
    invocation: for ten messages or a hundred stream records.

    `reserved_concurrency` is the number of concurrent executions that Lambda reserves for the job,
    and at most runs (0: no reservation). The stack's `job_concurrency` overrides it. `alarm` adds
    an alarm on failing items.
    """

    trigger: Trigger
    summary: Text
    handle: Annotated[Callable[[Any], LogFields | None], runs_when_called]
    permissions: tuple[Permission, ...] = ()
    timeout_s: Annotated[int, between(1, 900)] = 60
    memory_mb: Annotated[int, between(128, 10_240)] = 512
    reserved_concurrency: Annotated[int, between(0, 100_000)] = 0
    alarm: FailureAlarm | None = None

    def errors(self) -> Iterator[str]:
        """Yield the reasons for which AWS would refuse it."""
        deadline_s = longest_call_s(self.permissions)
        if self.timeout_s <= deadline_s:  # the call must end before Lambda ends the job
            yield f"timeout_s must exceed {deadline_s:g}, the longest deadline of a permitted call"
