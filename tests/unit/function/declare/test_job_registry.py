"""Declarations of jobs that are refused."""

from collections.abc import Mapping
from typing import Any

import pytest

from function.declare.errors import DeclarationError
from function.declare.job import FailureAlarm, Job
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


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"summary": " "}, "summary is missing"),
        ({"timeout_s": 901}, "timeout_s must be from 1 to 900, not 901"),
        ({"memory_mb": 64}, "memory_mb must be from 128 to 10,240, not 64"),
        *(
            (
                {"timeout_s": deadline_s, "permissions": (one,)},
                f"timeout_s must exceed {deadline_s}, a call's deadline by {type(one).__name__}",
            )
            for deadline_s, one in (
                (7, FOLLOWED),
                (7, QueuePermission("orders")),
                (23, ServicePermission("s3", "*", GET, timeout_s=10)),
            )
        ),
        *(
            ({"trigger": trigger}, message)
            for trigger, message in (
                (ScheduleTrigger("every day"), "'every day': write rate(5 minutes), cron("),
                (ScheduleTrigger("cron(0 3 * * * *)"), "needs one '?', as its day or its weekday"),
                (ScheduleTrigger("rate(1 day)", "Berlin"), "'Berlin' is not a time zone"),
                (ScheduleTrigger("rate(1 day)", max_attempts=4), "must be from 1 to 3, not 4"),
                (QueueTrigger("ordres"), "unknown queue 'ordres'; known: "),
                (StreamTrigger("follow"), "unknown table 'follow'; known: "),
                (ObjectTrigger("upload"), "unknown bucket 'upload'; known: "),
                (ObjectTrigger("uploads", max_attempts=4), "must be from 1 to 3, not 4"),
                (TopicTrigger(topic="new"), "unknown topic 'new'; known: "),
                (
                    TopicTrigger(topic="news", filter_policy={"kind": "big"}),
                    "filter_policy.kind must be a list of values, such as ['big']",
                ),
                (EventTrigger(pattern={}), "pattern is missing"),
                (
                    TopicTrigger(topic="news", filter_policy={"order": {"kind": ["big"]}}),
                    "filter_policy: attributes have no members; set filter_body=True",
                ),
                (
                    EventTrigger(pattern={"detail": {"kind": "big"}}),
                    "pattern.detail.kind must be a list of values, such as ['big']",
                ),
                (
                    EventTrigger(pattern={"source": ["a"]}, bus="my bus"),
                    "bus: 'my bus' is not the name or the ARN of an event bus",
                ),
                (EventTrigger(pattern={"source": ["a"]}, bus="{buss}"), "unknown setting 'buss'"),
                (ScheduleTrigger("rate(1 day)", payload={1, 2}), "payload is not a JSON value"),
            )
        ),
        ({"alarm": FailureAlarm(failures=1, period_s=90)}, "period_s must be a multiple of 60"),
        *(
            ({"permissions": (permission,)}, message)
            for permission, message in (
                (QueuePermission("ordres"), "unknown queue 'ordres'"),
                (TopicPermission("new"), "unknown topic 'new'"),
                (NONE, "unknown table 'none'"),
                (ServicePermission("s3", "bucket", GET), "resource: 'bucket' is not an ARN"),
                (ServicePermission("s3", "*", ("s3:*",)), "'s3:*' is not an action such as"),
            )
        ),
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
        with pytest.raises(DeclarationError, match="name .* at most 30 characters"):
            validate_jobs({name: _job()})
