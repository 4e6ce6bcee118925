"""The types that a job is declared with and written against.

A job is a module in `function/jobs/`, which declares it as its `JOB`; its name is the module's.
What starts it is a trigger: a `Schedule`, the `Messages` of a queue, or the `Changes` of a table.
Every trigger delivers at least once, so a handler must be able to meet the same item again. As a
request's, an item's `settings[NAME]` is what the stack's config says of a setting.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from function.declare.checks import wrong_types
from function.declare.limits import READ_TIMEOUT_S, budget_s
from function.declare.permission import Permission, wrong_permissions
from function.declare.setting import Settings

# Lambda's limits: seconds, MB, and the tries of an asynchronous invocation.
TIMEOUT_S, MEMORY_MB, SCHEDULED_ATTEMPTS = 900, (128, 10_240), 3

# EventBridge Scheduler's expressions. Its rates, unlike those of EventBridge's rules, name the unit
# in the plural whatever the number is, and in the singular as well.
_EXPRESSION = re.compile(
    r"rate\([1-9]\d* (minute|hour|day)s?\)"
    r"|cron\([\d*,/-]+ [\d*,/-]+ ([\dLW*,/-]+|\?) [\dA-Z*,/-]+ ([\dA-Z#*,/-]+|\?) [\d*,/-]+\)"
    r"|at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)"
)

# What a cron expression's parts count: from, to, and by which names.
_CRON = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day", 1, 31, ("LW",)),
    ("month", 1, 12, "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()),
    ("weekday", 1, 7, "SUN MON TUE WED THU FRI SAT".split()),
    ("year", 1970, 2199, ()),
)

Notes = Mapping[str, str | bool]


class Tick(NamedTuple):
    """One run of a schedule; `time` is the Unix second that it was due at."""

    time: int
    settings: Settings


class Message(NamedTuple):
    """One message of a queue: its parsed JSON body, and the how many-th delivery it is."""

    id: str
    body: Any
    attempt: int
    settings: Settings


class Change(NamedTuple):
    """One change of an item: `kind` is INSERT, MODIFY or REMOVE, the items are in DynamoDB's JSON.

    `old` is empty for an INSERT, `new` for a REMOVE; `id` grows with each change of an item.
    """

    id: str
    kind: str
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    settings: Settings


class Schedule(NamedTuple):
    """Runs a job by EventBridge Scheduler's `rate(…)`, `cron(…)` or `at(…)`; hands it a `Tick`.

    A run that fails is repeated after one minute, then two, up to `attempts` (3, Lambda's most).
    """

    expression: str
    timezone: str = "UTC"
    attempts: int = SCHEDULED_ATTEMPTS

    def problems(self) -> Iterator[str]:
        """Return why EventBridge Scheduler or Lambda could not take it."""
        yield from wrong_types(self, expression=str, timezone=str, attempts=int)
        if not _EXPRESSION.fullmatch(self.expression):
            yield (
                f"{self.expression!r} is not rate(5 minutes), cron(0 3 * * ? *) (of minute, hour, "
                "day, month, weekday, year) or at(2030-01-31T12:00:00)"
            )
        elif self.expression.startswith("cron") and self.expression.count("?") != 1:
            yield f"{self.expression!r} needs one '?', as its day or its weekday"
        elif self.expression.startswith("cron"):
            yield from _wrong_cron(self.expression)
        elif self.expression.startswith("at"):
            try:
                datetime.fromisoformat(self.expression[3:-1])
            except ValueError as error:
                yield f"{self.expression!r}: {error}"
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
        yield from wrong_types(self, queue=str, attempts=int, concurrency=int)
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
        yield from wrong_types(self, table=str, attempts=int)
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
    access: tuple[Permission, ...] = ()
    timeout_s: int = 60
    memory_mb: int = 512

    def problems(self) -> Iterator[str]:
        """Return why AWS could not take it."""
        yield from wrong_types(self, trigger=(Schedule, Messages, Changes), summary=str)
        yield from wrong_types(self, handle=Callable, access=[object], timeout_s=int, memory_mb=int)
        if not self.summary.strip():
            yield "summary is missing"
        yield from self.trigger.problems()
        yield from wrong_permissions(self.access)
        yield from _wrong_number("timeout_s", self.timeout_s, 1, TIMEOUT_S)
        for access in self.access:
            longest_s = budget_s(getattr(access, "timeout_s", READ_TIMEOUT_S))
            if self.timeout_s <= longest_s:  # the call must end before the job is ended
                yield f"timeout_s must be over {longest_s:g}, which a call by {access!r} may take"
        yield from _wrong_number("memory_mb", self.memory_mb, *MEMORY_MB)


def _wrong_cron(expression: str) -> Iterator[str]:
    for (part, low, high, names), text in zip(_CRON, expression[5:-1].split(), strict=True):
        for value in re.findall(r"\d+|[A-Z]{2,3}", re.sub(r"[/#]\d+", "", text)):
            if value not in names and not (value.isdigit() and low <= int(value) <= high):
                yield f"{expression!r}: {value} is no {part}"


def _wrong_number(name: str, value: int, low: int, high: int) -> Iterator[str]:
    if not low <= value <= high:
        yield f"{name} must be from {low:,} to {high:,}, not {value:,}"
