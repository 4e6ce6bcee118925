"""The resources of jobs, and the refused declarations."""

import json
from contextlib import nullcontext

import pytest

from components import ConfigError
from components.naming import bucket_name
from function import topics
from function.declare.job import FailureAlarm, Job
from function.declare.permission import TopicPermission
from function.declare.topic import Topic
from function.declare.trigger import EventTrigger, ScheduleTrigger
from local import pulumi_program
from local.pulumi_program import Properties, Resource
from tests.conftest import NAME, STACK, allowed, plain


def _of(declared: list[Resource], kind: str, name: str) -> Properties:
    (found,) = [r.inputs for r in declared if r.kind.endswith(f":{kind}") and r.name == name]
    return found


def test_a_job_runs_from_the_bundle_in_a_function_of_its_own(with_jobs: list[Resource]) -> None:
    job, api = (
        _of(with_jobs, "Function", f"{NAME}-{name}") for name in ("job-clean-up", "function")
    )
    assert job["code"].path == api["code"].path
    assert job["handler"] == "function.runtime.job_handler.handler" and job["timeout"] == 100
    assert job["environment"]["variables"]["JOB_NAME"] == "clean_up"
    assert job["role"] != api["role"]


@pytest.mark.conformance
def test_a_job_may_do_what_its_trigger_needs_and_no_more(with_jobs: list[Resource]) -> None:
    observed = {
        *("logs:CreateLogStream", "logs:PutLogEvents"),
        *("xray:PutTelemetryRecords", "xray:PutTraceSegments"),
    }
    letters = "arn:aws:sqs:eu-central-1:123456789012:" + NAME + "-job-{}-dead-letters"
    once = allowed(with_jobs, f"{NAME}-job-clean-up")
    assert once.keys() - observed == {"sqs:SendMessage"}
    assert once["sqs:SendMessage"] == [letters.format("clean-up")]
    follow = allowed(with_jobs, f"{NAME}-job-follow")
    stream = {f"dynamodb:{a}" for a in ("DescribeStream", "GetRecords", "GetShardIterator")}
    assert follow.keys() - observed == {*stream, "dynamodb:ListStreams", "sqs:SendMessage"}
    assert follow["dynamodb:GetRecords"][0].endswith(f":{NAME}-followed/stream/label")
    ship = allowed(with_jobs, f"{NAME}-job-ship")
    taken = {
        f"sqs:{action}" for action in ("DeleteMessage", "GetQueueAttributes", "ReceiveMessage")
    }
    assert ship.keys() - observed == taken
    assert ship["sqs:ReceiveMessage"][0].endswith(f":{NAME}-orders")


def test_a_queue_hides_six_timeouts_long_and_gives_up_after_the_attempts(
    with_jobs: list[Resource],
) -> None:
    assert _of(with_jobs, "Queue", f"{NAME}-orders")["visibilityTimeoutSeconds"] == 600
    redrive = json.loads(_of(with_jobs, "RedrivePolicy", f"{NAME}-orders")["redrivePolicy"])
    assert redrive["maxReceiveCount"] == 5 and redrive["deadLetterTargetArn"].endswith("letters")
    mapping = _of(with_jobs, "EventSourceMapping", f"{NAME}-job-ship")
    assert mapping["functionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["scalingConfig"] == {"maximumConcurrency": 10}


def test_a_source_keeps_the_settings_that_another_job_changes(
    monkeypatch: pytest.MonkeyPatch, with_jobs: list[Resource], jobs: dict[str, Job]
) -> None:
    def settings(declared: list[Resource]) -> set[str]:
        kinds = (":RedrivePolicy", ":BucketNotification")
        return {one.urn for one in declared if one.kind.endswith(kinds)}

    renamed = {f"new_{name}": job for name, job in jobs.items()}
    monkeypatch.setattr("function.declare.job_registry.load_jobs", lambda: renamed)
    declared = pulumi_program.declared_resources(STACK, config=plain())
    assert len(settings(declared)) > 1 and settings(declared) == settings(with_jobs)


def test_a_stream_is_retried_halved_and_given_up(with_jobs: list[Resource]) -> None:
    mapping = _of(with_jobs, "EventSourceMapping", f"{NAME}-job-follow")
    assert mapping["maximumRetryAttempts"] == 4 and mapping["bisectBatchOnFunctionError"]
    assert mapping["functionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["destinationConfig"]["onFailure"]["destinationArn"].endswith("dead-letters")


def test_a_schedule_keeps_its_time_zone_and_its_failures(with_jobs: list[Resource]) -> None:
    schedule = _of(with_jobs, "Schedule", f"{NAME}-job-clean-up")
    assert schedule["scheduleExpressionTimezone"] == "Europe/Berlin"
    assert schedule["target"]["deadLetterConfig"]["arn"].endswith("-dead-letters")
    retries = _of(with_jobs, "FunctionEventInvokeConfig", f"{NAME}-job-clean-up")
    assert retries["maximumRetryAttempts"] == 2 and retries["qualifier"] == "live"


def test_only_the_bucket_of_the_own_account_may_start_its_job(with_jobs: list[Resource]) -> None:
    permission = _of(with_jobs, "Permission", f"{NAME}-job-resize")
    assert permission["principal"] == "s3.amazonaws.com" and permission["qualifier"] == "live"
    assert permission["sourceArn"].endswith(f":{bucket_name(NAME)}-uploads")
    assert permission["sourceAccount"] == "123456789012"
    (target,) = _of(with_jobs, "BucketNotification", f"{NAME}-uploads")["lambdaFunctions"]
    assert target["events"] == ["s3:ObjectCreated:*"]
    assert (target["filterPrefix"], target["filterSuffix"]) == ("in/", ".png")
    retries = _of(with_jobs, "FunctionEventInvokeConfig", f"{NAME}-job-resize")
    assert retries["destinationConfig"]["onFailure"]["destination"].endswith("-dead-letters")
    assert allowed(with_jobs, f"{NAME}-job-resize")["sqs:SendMessage"][0].endswith("-dead-letters")


def test_the_dead_letters_of_a_fifo_queue_are_in_one(with_jobs: list[Resource]) -> None:
    for name in ("bookings", "job-book-dead-letters"):
        assert _of(with_jobs, "Queue", f"{NAME}-{name}")["fifoQueue"] is True
    assert _of(with_jobs, "Queue", f"{NAME}-bookings")["delaySeconds"] == 60
    assert "fifoQueue" not in _of(with_jobs, "Queue", f"{NAME}-job-ship-dead-letters")


@pytest.mark.parametrize(("job", "service"), (("tell", "sns"), ("watch", "events")))
def test_one_topic_or_rule_may_start_its_job(
    with_jobs: list[Resource], job: str, service: str
) -> None:
    permission = _of(with_jobs, "Permission", f"{NAME}-job-{job}")
    assert permission["principal"] == f"{service}.amazonaws.com"
    kind, name = ("Topic", "news") if service == "sns" else ("EventRule", f"job-{job}")
    (source,) = [r for r in with_jobs if r.name == f"{NAME}-{name}" and r.kind.endswith(f":{kind}")]
    assert permission["sourceArn"].endswith(f":{source.name}")
    retries = _of(with_jobs, "FunctionEventInvokeConfig", f"{NAME}-job-{job}")
    assert retries["destinationConfig"]["onFailure"]["destination"].endswith("-dead-letters")
    assert allowed(with_jobs, f"{NAME}-job-{job}")["sqs:SendMessage"][0].endswith("-dead-letters")


def test_filters_select_what_starts_a_job(
    jobs: dict[str, Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    trigger = EventTrigger(pattern={"source": ["shop"]}, bus="aws.partner/shop")
    monkeypatch.setitem(jobs, "watch", jobs["watch"]._replace(trigger=trigger))
    declared = pulumi_program.declared_resources(STACK, config=plain())
    subscription = _of(declared, "TopicSubscription", f"{NAME}-job-tell")
    assert json.loads(subscription["filterPolicy"]) == {"kind": ["big"]}
    assert subscription["filterPolicyScope"] == "MessageBody"
    rule = _of(declared, "EventRule", f"{NAME}-job-watch")
    assert json.loads(rule["eventPattern"]) == {"source": ["shop"]}
    assert rule["eventBusName"] == "aws.partner/shop"


def test_a_topic_with_an_arn_is_not_the_stacks(
    jobs: dict[str, Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = "arn:aws:sns:eu-west-1:210987654321:news"
    monkeypatch.setattr(topics, "NEWS", Topic(name="news", arn=arn))
    monkeypatch.delitem(jobs, "watch")
    declared = pulumi_program.declared_resources(STACK, config=plain())
    assert _of(declared, "TopicSubscription", f"{NAME}-job-tell")["topic"] == arn
    assert not [r for r in declared if r.kind.endswith(":Topic") and r.name.endswith("news")]


@pytest.mark.parametrize("arn", ("", "arn:aws:sns:eu-west-1:210987654321:news"))
def test_only_an_existing_topic_must_be_in_the_permissions_boundary(
    jobs: dict[str, Job], monkeypatch: pytest.MonkeyPatch, arn: str
) -> None:
    monkeypatch.setattr(topics, "NEWS", Topic(name="news", arn=arn))
    may_publish = jobs["watch"]._replace(permissions=(TopicPermission("news"),))
    monkeypatch.setitem(jobs, "watch", may_publish)
    monkeypatch.setattr(pulumi_program.MockEngine, "policy", lambda *_: '{"Statement": []}')
    config = plain(permissions_boundary="arn:aws:iam::111122223333:policy/x")
    refused = f"denies sns:Publish on {arn} to .*: pulumi -C bootstrap up"
    with pytest.raises(ConfigError, match=refused) if arn else nullcontext():
        declared = pulumi_program.declared_resources(STACK, config=config)
        assert "sns:Publish" in allowed(declared, f"{NAME}-job-watch")


def test_a_job_may_have_a_payload_its_concurrency_and_an_alarm(
    jobs: dict[str, Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = jobs["clean_up"]._replace(
        trigger=ScheduleTrigger("rate(1 day)", payload={"kind": "full"}),
        reserved_concurrency=2,
        alarm=FailureAlarm(failures=3, period_s=600),
    )
    monkeypatch.setitem(jobs, "clean_up", changed)
    declared = pulumi_program.declared_resources(STACK, config=plain())
    sent = json.loads(_of(declared, "Schedule", f"{NAME}-job-clean-up")["target"]["input"])
    assert sent["payload"] == {"kind": "full"}
    function = _of(declared, "Function", f"{NAME}-job-clean-up")
    assert function["reservedConcurrentExecutions"] == 2
    alarm = _of(declared, "MetricAlarm", f"{NAME}-job-failures-clean-up")
    assert (alarm["threshold"], alarm["period"]) == (3, 600)
    assert alarm["dimensions"]["Outcome"] == "failed"
    config = plain(job_concurrency='{"clean_up": 5}')
    declared = pulumi_program.declared_resources(STACK, config=config)
    function = _of(declared, "Function", f"{NAME}-job-clean-up")
    assert function["reservedConcurrentExecutions"] == 5
