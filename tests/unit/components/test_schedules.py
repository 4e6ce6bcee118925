"""The schedules of jobs."""

import pytest

from components import ConfigError
from components.schedules import _policy
from function.declare.job import Job
from function.declare.trigger import ScheduleTrigger
from local import pulumi_program
from local.pulumi_program import Resource
from tests.conftest import NAME, STACK, allowed, every, plain


@pytest.fixture(name="declared")
def _declared(monkeypatch: pytest.MonkeyPatch, jobs: dict[str, Job]) -> list[Resource]:
    weekly = jobs["clean_up"]._replace(trigger=ScheduleTrigger("rate(7 days)"))
    monkeypatch.setattr(
        "function.declare.job_registry.load_jobs", lambda: {**jobs, "report": weekly}
    )
    return pulumi_program.declared_resources(STACK, config=plain())


@pytest.mark.conformance
def test_one_role_may_start_the_scheduled_jobs_and_no_more(declared: list[Resource]) -> None:
    jobs = [f"{NAME}-job-{name}" for name in ("clean-up", "report")]
    arn = "arn:aws:{}:eu-central-1:123456789012:{}"
    assert allowed(declared, f"{NAME}-schedules") == {
        "lambda:InvokeFunction": [arn.format("lambda", f"{job}:live") for job in jobs],
        "sqs:SendMessage": [arn.format("sqs", f"{job}-dead-letters") for job in jobs],
    }
    schedules = every(declared, "aws:scheduler/schedule:Schedule")
    assert [one["target"]["roleArn"] for one in schedules] == [
        arn.format("iam", f"{NAME}-schedules")
    ] * 2
    assert [one["target"]["arn"] for one in schedules] == [
        arn.format("lambda", f"{job}:live") for job in jobs
    ]


def test_a_schedule_belongs_to_its_job(declared: list[Resource]) -> None:
    schedules = [one for one in declared if one.kind == "aws:scheduler/schedule:Schedule"]
    assert [one.parent.rpartition("::")[2] for one in schedules] == [one.name for one in schedules]


def test_more_schedules_than_a_role_can_start_are_an_error() -> None:
    with pytest.raises(ConfigError, match="policy for 80 schedules has .* Split the jobs"):
        _policy([["arn:aws:lambda:eu-central-1:123456789012:function:epoch-dev-job:live"] * 2] * 80)
