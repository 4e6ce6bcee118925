"""Job: a function that a trigger starts.

A module in `function/jobs/` declares one as its `JOB`; the job's name is the module's.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, NamedTuple

from function.declare.checks import Text, between, runs_when_called
from function.declare.permission import Permission, longest_call_s
from function.declare.trigger import Trigger

# Lambda's limits: the longest timeout in seconds, and the least and the most memory in MB.
MAX_TIMEOUT_S, MEMORY_MB = 900, (128, 10_240)

LogFields = Mapping[str, str | bool]


class Job(NamedTuple):
    """A job; function, role, alarms and log lines follow from it.

    `handle` receives one item of the trigger: a ScheduledRun, Message, StreamRecord or
    CreatedObject. It returns fields for the log line and the trace, or None. If it raises, the item
    fails: it is delivered again, and goes to the job's dead-letter queue after the trigger's last
    attempt. `timeout_s` (1 to 900) is for an invocation: for ten messages or a hundred stream
    records.
    """

    trigger: Trigger
    summary: Text
    handle: Annotated[Callable[[Any], LogFields | None], runs_when_called]
    permissions: tuple[Permission, ...] = ()
    timeout_s: Annotated[int, between(1, MAX_TIMEOUT_S)] = 60
    memory_mb: Annotated[int, between(*MEMORY_MB)] = 512

    def errors(self) -> Iterator[str]:
        """Yield the reasons for which AWS would refuse it."""
        for permission in self.permissions:
            deadline_s = longest_call_s([permission])
            if self.timeout_s <= deadline_s:  # the call must end before Lambda ends the job
                yield f"timeout_s must exceed {deadline_s:g}, a call's deadline by {permission!r}"
