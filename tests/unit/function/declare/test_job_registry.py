"""Declarations of jobs that are refused."""

from collections.abc import Mapping
from typing import Any

import pytest

from function.declare.errors import DeclarationError
from function.declare.job import Job
from function.declare.job_registry import validate_jobs
from function.declare.permission import (
    QueuePermission,
    ServicePermission,
    TablePermission,
    TopicPermission,
)
from function.declare.trigger import (
    EventTrigger,
    ObjectTrigger,
    QueueTrigger,
    ScheduleTrigger,
    StreamTrigger,
    TopicTrigger,
)


def _job(**changed: Any) -> Job:
    plain: dict[str, Any] = {
        "trigger": ScheduleTrigger("rate(1 day)"),
        "summary": "x",
        "handle": print,
    }
    return Job(**{**plain, **changed})


GET = ("s3:GetObject",)
FOLLOWED, NONE = (TablePermission(name, ("dynamodb:GetItem",)) for name in ("followed", "none"))


TRIGGERS = (
    (ScheduleTrigger("every day"), "'every day': write rate(5 minutes), cron("),
    (ScheduleTrigger("rate(1 day)", "Berlin"), "'Berlin' is not a time zone"),
    (ScheduleTrigger("rate(1 day)", max_attempts=4), "must be from 1 to 3, not 4"),
    (QueueTrigger("ordres"), "unknown queue 'ordres'; known: "),
    (StreamTrigger("follow"), "unknown table 'follow'; known: "),
    (ObjectTrigger("upload"), "unknown bucket 'upload'; known: "),
    (TopicTrigger("new"), "unknown topic 'new'; known: "),
    (EventTrigger(pattern={}), "pattern is missing"),
    (EventTrigger({"source": ["a"]}, "my bus"), "bus: 'my bus' is not the name or the ARN of an"),
    (EventTrigger({"source": ["a"]}, "{buss}"), "unknown setting 'buss'"),
)
PERMISSIONS = (
    (QueuePermission("ordres"), "unknown queue 'ordres'"),
    (TopicPermission("new"), "unknown topic 'new'"),
    (NONE, "unknown table 'none'"),
    (ServicePermission("s3", "bucket", GET), "resource: 'bucket' is not an ARN"),
    (ServicePermission("s3", "*", ("s3:*",)), "'s3:*' is not an action such as"),
)
SLOW = ServicePermission("s3", "*", GET, timeout_s=10)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"summary": " "}, "summary is missing"),
        ({"timeout_s": 901}, "timeout_s must be from 1 to 900, not 901"),
        ({"memory_mb": 64}, "memory_mb must be from 128 to 10,240, not 64"),
        ({"timeout_s": 7, "permissions": (FOLLOWED,)}, "timeout_s must exceed 7, the longest"),
        ({"timeout_s": 23, "permissions": (FOLLOWED, SLOW)}, "timeout_s must exceed 23, the"),
        *(({"trigger": trigger}, message) for trigger, message in TRIGGERS),
        *(({"permissions": (permission,)}, message) for permission, message in PERMISSIONS),
    ],
)
@pytest.mark.usefixtures("jobs")
def test_a_job_that_cannot_work_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(DeclarationError) as refused:
        validate_jobs({"nightly": _job(**changed)})
    assert str(refused.value).startswith("function/jobs/nightly.py: ") and message in str(refused)


def test_a_queue_has_one_taker_a_table_two_and_a_job_a_name_that_aws_takes(
    jobs: Mapping[str, Job],
) -> None:
    with pytest.raises(DeclarationError, match="2 jobs read queue 'orders'"):
        validate_jobs({"ship": jobs["ship"], "bill": jobs["ship"]})
    followers = dict.fromkeys(("one", "two", "three"), jobs["follow"])
    with pytest.raises(DeclarationError, match="3 jobs read table 'followed'"):
        validate_jobs(followers)
    del followers["three"]
    assert validate_jobs(followers)
    for name in ("Nightly", "_x", "a__b", "x" * 31):
        with pytest.raises(DeclarationError, match="name: .* at most 30 characters"):
            validate_jobs({name: _job()})
