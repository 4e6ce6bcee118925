"""The types that a job is declared with and written against.

A job is a module in `function/jobs/`, which declares it as its `JOB`; its name is the module's.
What starts it is a trigger: a `Schedule`, the `Messages` of a queue, or the `Changes` of a table.
Every trigger delivers at least once, so a handler must be able to meet the same item again. As a
request's, an item's `settings[NAME]` is what the stack's config says of a setting.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from function.contract import Access, Permission, lone
from function.messages import unknown_queue
from function.resources import declared_tables, wrong_access
from function.setting import SETTINGS, Settings
from function.storage import BUDGET_S

# Lambda's limits: seconds, MB, and the tries of an asynchronous invocation.
TIMEOUT_S, MEMORY_MB, SCHEDULED_ATTEMPTS = 900, (128, 10_240), 3

# EventBridge Scheduler's expressions.
_EXPRESSION = re.compile(
    r"rate\([1-9]\d* (minute|hour|day)s?\)"
    r"|cron\([\d*,/-]+ [\d*,/-]+ ([\dLW*,/-]+|\?) [\dA-Z*,/-]+ ([\dA-Z#*,/-]+|\?) [\d*,/-]+\)"
    r"|at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)"
)

Notes = Mapping[str, str | bool]


class Tick(NamedTuple):
    """One run of a schedule; `time` is the Unix second that it was due at."""

    time: int
    settings: Settings = SETTINGS


class Message(NamedTuple):
    """One message of a queue: its parsed JSON body, and the how many-th delivery it is."""

    id: str
    body: Any
    attempt: int
    settings: Settings = SETTINGS


class Change(NamedTuple):
    """One change of an item: `kind` is INSERT, MODIFY or REMOVE, the items are in DynamoDB's JSON.

    `old` is empty for an INSERT, `new` for a REMOVE; `id` grows with each change of an item.
    """

    id: str
    kind: str
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    settings: Settings = SETTINGS


class Schedule(NamedTuple):
    """Runs a job by EventBridge Scheduler's `rate(…)`, `cron(…)` or `at(…)`; hands it a `Tick`.

    A run that fails is repeated after one minute, then two, up to `attempts` (3, Lambda's most).
    """

    expression: str
    timezone: str = "UTC"
    attempts: int = SCHEDULED_ATTEMPTS

    def problems(self) -> Iterator[str]:
        """Return why EventBridge Scheduler or Lambda could not take it."""
        if not _EXPRESSION.fullmatch(self.expression):
            yield (
                f"{self.expression!r} is not rate(5 minutes), cron(0 3 * * ? *) (of minute, hour, "
                "day, month, weekday, year) or at(2030-01-31T12:00:00)"
            )
        elif self.expression.startswith("cron") and self.expression.count("?") != 1:
            yield f"{self.expression!r} needs one '?', as its day or its weekday"
        try:
            ZoneInfo(self.timezone)
        except (ValueError, OSError, LookupError):
            yield f"{self.timezone!r} is not a time zone such as Europe/Berlin"
        yield from _wrong_number("attempts", self.attempts, 1, SCHEDULED_ATTEMPTS)


class Messages(NamedTuple):
    """Hands a job every `Message` of a queue of `function.queues`, up to ten by invocation.

    One that fails is delivered again once its visibility timeout is over, up to `attempts`
    (1 to 1,000) in all. `concurrency` (2 to 1,000) is how many invocations may run at once, so
    that a full queue leaves the account's concurrency to the API.
    """

    queue: str
    attempts: int = 5
    concurrency: int = 10

    def problems(self) -> Iterator[str]:
        """Return why SQS could not take it."""
        yield from unknown_queue(self.queue)
        yield from _wrong_number("attempts", self.attempts, 1, 1_000)
        yield from _wrong_number("concurrency", self.concurrency, 2, 1_000)


class Changes(NamedTuple):
    """Hands a job every `Change` of a table of `function.tables`, those of an item in order.

    While one fails, later ones of its shard wait. `attempts` (1 to 10,000) are its tries in all.
    """

    table: str
    attempts: int = 5

    def problems(self) -> Iterator[str]:
        """Return why Lambda could not take it."""
        if self.table not in (known := declared_tables()):
            yield f"unknown table {self.table!r}; known tables: {', '.join(known)}"
        yield from _wrong_number("attempts", self.attempts, 1, 10_000)


class Job(NamedTuple):
    """What runs without a caller, declared once; function, role, alarms and log lines follow.

    `handle` gets a Tick, Message or Change; what it returns are notes for the log line and the
    trace, as an Answer's. An exception makes the item fail: it comes again, and after the trigger's
    last attempt lies in the job's dead-letter queue. `timeout_s` is for an invocation: for ten
    messages or a hundred changes.
    """

    trigger: Schedule | Messages | Changes
    summary: str
    handle: Callable[[Any], Notes | None]
    access: "tuple[Permission, ...]" = ()
    timeout_s: int = 60
    memory_mb: int = 512

    def problems(self) -> Iterator[str]:
        """Return why AWS could not take it."""
        yield from lone(self, "access")
        if not self.summary.strip():
            yield "summary is missing"
        if not isinstance(self.trigger, (Schedule, Messages, Changes)):
            yield f"trigger must be a Schedule, Messages or Changes, not {self.trigger!r}"
        yield from self.trigger.problems()
        stores = any(isinstance(access, Access) for access in self.access)
        least = BUDGET_S + 1 if stores else 1  # a storage call ends before the job is ended
        yield from _wrong_number("timeout_s", self.timeout_s, least, TIMEOUT_S)
        yield from _wrong_number("memory_mb", self.memory_mb, *MEMORY_MB)
        for access in self.access:
            yield from access.problems()
            if isinstance(access, Access):
                yield from wrong_access(access, declared_tables())


def _wrong_number(name: str, value: int, low: int, high: int) -> Iterator[str]:
    if not low <= value <= high:
        yield f"{name} must be from {low:,} to {high:,}, not {value:,}"
