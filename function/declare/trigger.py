"""Triggers of jobs, and the item that each of them hands to the job's handler.

Every trigger delivers at least once, so a handler must tolerate the same item twice. The value
`item.settings[NAME]` comes from the stack's config, as it does for a request, and `item.context` is
Lambda's.

To add a trigger, write its two types here and add it to TRIGGERS; see
docs/contributing/adding-a-trigger.md.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, NamedTuple, TypeAlias, get_args
from zoneinfo import ZoneInfo

from function.declare.checks import between, matches, not_empty
from function.declare.setting import Settings

# Lambda makes up to three attempts at an asynchronous invocation.
_Attempts = Annotated[int, between(1, 3)]

# EventBridge Scheduler's expressions. Unlike EventBridge's rules, it takes the plural unit for any
# number, and the singular as well.
_EXPRESSION = (
    r"rate\([1-9]\d* (minute|hour|day)s?\)|cron\((\S+ ){5}\S+\)"
    r"|at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)"
)
# The names in cron expressions, which stand for numbers from 1.
_CRON_NAMES = {
    name: str(number)
    for names in ("SUN MON TUE WED THU FRI SAT", "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC")
    for number, name in enumerate(names.split(), 1)
}


class ScheduledRun(NamedTuple):
    """One run of a schedule; `time` is the Unix second for which it was scheduled.

    `payload` is the trigger's own.
    """

    time: int
    settings: Settings
    context: Any = None
    payload: Any = None


class Message(NamedTuple):
    """One message of a queue: its parsed JSON body, or its text if that is not JSON.

    `attempt` counts the deliveries of the message, from 1. `group` is the message's group in a FIFO
    queue.
    """

    id: str
    body: Any
    attempt: int
    settings: Settings
    context: Any = None
    group: str = ""


class StreamRecord(NamedTuple):
    """One change of an item in a table.

    `event_name` is INSERT, MODIFY or REMOVE. `old` and `new` are the item before and after, as
    `dynamodb.call` takes and returns items; `old` is empty for an INSERT, `new` for a REMOVE. `id`
    is the sequence number, which grows with each change of an item. `time` is the Unix second of
    the change. `expired` is true if DynamoDB removed the item because its time to live was over; a
    replica in another region reports a plain removal.
    """

    id: str
    event_name: str
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    settings: Settings
    time: int = 0
    expired: bool = False
    context: Any = None


class CreatedObject(NamedTuple):
    """One object that was created in a bucket; `size` is in bytes, and `key` is decoded."""

    bucket: str
    key: str
    size: int
    etag: str
    settings: Settings
    context: Any = None


class Notification(NamedTuple):
    """One message of a topic: its parsed JSON body, or its text if that is not JSON.

    `attributes` are the message's attributes, as texts.
    """

    id: str
    body: Any
    attributes: Mapping[str, str]
    settings: Settings
    context: Any = None
    subject: str = ""


class BusEvent(NamedTuple):
    """One event of an EventBridge bus; `time` is its Unix second, `detail` its content."""

    id: str
    source: str
    detail_type: str
    detail: Mapping[str, Any]
    time: int
    settings: Settings
    context: Any = None
    resources: tuple[str, ...] = ()


class ScheduleTrigger(NamedTuple):
    """Runs a job by EventBridge Scheduler's `rate(…)`, `cron(…)` or `at(…)`.

    The handler receives a ScheduledRun. Lambda retries a failed run after one minute, then after
    two, until it has made `max_attempts`. `payload` is a JSON value for the handler.
    """

    expression: str
    timezone: str = "UTC"
    max_attempts: _Attempts = 3
    payload: Any = None

    def errors(self) -> Iterator[str]:
        """Yield the reasons for which EventBridge Scheduler would refuse it, or never run it."""
        if not re.fullmatch(_EXPRESSION, self.expression):
            yield (
                f"{self.expression!r}: write rate(5 minutes), cron(0 3 * * ? *) or "
                "at(2030-01-31T12:00:00)"
            )
        if self.expression.startswith("cron"):
            yield from _cron_errors(self.expression)
        try:
            ZoneInfo(self.timezone)
        except (ValueError, OSError, LookupError):
            yield f"{self.timezone!r} is not a time zone such as Europe/Berlin"


def _cron_errors(expression: str) -> Iterator[str]:
    if expression.count("?") != 1:
        yield f"{expression!r} needs one '?', as its day or its weekday"
    numbers = re.sub("[A-Z]{3}", lambda name: _CRON_NAMES.get(name[0], name[0]), expression)
    for first, last in re.findall(r"(\d+)-(\d+)", numbers):
        if int(first) > int(last):
            yield f"{expression!r}: the range {first}-{last} must ascend"


class QueueTrigger(NamedTuple):
    """Hands a job each Message of a queue of `function/queues.py`, up to ten per invocation.

    SQS delivers a failed message again after its visibility timeout, up to `max_attempts` times. In
    a FIFO queue, a failed message blocks those behind it in its group.
    `max_concurrency` limits the concurrent invocations, so that a full queue leaves the account's
    concurrency to the API.
    """

    queue: str
    max_attempts: Annotated[int, between(1, 1_000)] = 5
    max_concurrency: Annotated[int, between(2, 1_000)] = 10


class StreamTrigger(NamedTuple):
    """Hands a job each StreamRecord of a table of `function/tables.py`, an item's in order.

    A failing record blocks the records behind it in its shard until the last of `max_attempts`.
    """

    table: str
    max_attempts: Annotated[int, between(1, 10_000)] = 5


class ObjectTrigger(NamedTuple):
    """Hands a job each CreatedObject of a bucket of `function/buckets.py`.

    `prefix` and `suffix` select objects by their keys. Lambda retries a failed object like a run of
    a ScheduleTrigger.
    """

    bucket: str
    prefix: str = ""
    suffix: str = ""
    max_attempts: _Attempts = 3


class TopicTrigger(NamedTuple):
    """Hands a job each Notification of a topic of `function/topics.py`.

    `filter_policy` selects messages as SNS describes it: by their attributes, or with
    `filter_body` by their JSON bodies. Lambda retries a failed message like a run of a
    ScheduleTrigger.
    """

    topic: str
    filter_policy: Mapping[str, Any] | None = None
    filter_body: bool = False
    max_attempts: _Attempts = 3


class EventTrigger(NamedTuple):
    """Hands a job each BusEvent that matches an EventBridge `pattern`.

    `bus` is the name or the ARN of an existing bus, such as a partner's `aws.partner/…`. In it,
    `{name}` stands for a setting of `function.settings`. Lambda retries a failed event like a run
    of a ScheduleTrigger.
    """

    pattern: Annotated[Mapping[str, Any], not_empty]
    bus: Annotated[str, matches(r"[\w./:{}-]+", "the name or the ARN of an event bus")] = "default"
    max_attempts: _Attempts = 3


Trigger: TypeAlias = (
    ScheduleTrigger | QueueTrigger | StreamTrigger | ObjectTrigger | TopicTrigger | EventTrigger
)

# The one list of triggers: each layer has a table with these types as keys, and fails at start
# if one of them is missing there.
TRIGGERS: tuple[type[Trigger], ...] = get_args(Trigger)
