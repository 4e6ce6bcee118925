"""The resources of jobs, and the refused declarations."""

import json
import re
from typing import Any

import pytest

from components.naming import bucket_name
from local.pulumi_program import Properties, Resource
from tests.conftest import NAME


def _of(declared: list[Resource], kind: str, name: str) -> Properties:
    named = re.compile(rf"{name}(-[0-9a-f]{{8}})?")  # a policy ends in a digest of its rights
    found = [r for r in declared if r.kind.endswith(f":{kind}") and named.fullmatch(r.name)]
    assert len(found) == 1
    return found[0].inputs


def _allowed(declared: list[Resource], name: str) -> dict[str, Any]:
    policy = json.loads(_of(declared, "RolePolicy", name)["policy"])
    return {
        action: statement["Resource"]
        for statement in policy["Statement"]
        for action in statement["Action"]
    }


def test_a_job_runs_from_the_bundle_in_a_function_of_its_own(with_jobs: list[Resource]) -> None:
    job, api = (
        _of(with_jobs, "Function", f"{NAME}-{name}") for name in ("job-clean-up", "function")
    )
    assert job["code"].assets.keys() == api["code"].assets.keys()
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
    once = _allowed(with_jobs, f"{NAME}-job-clean-up")
    assert once.keys() - observed == {"sqs:SendMessage"}
    assert once["sqs:SendMessage"] == letters.format("clean-up")
    follow = _allowed(with_jobs, f"{NAME}-job-follow")
    stream = {f"dynamodb:{a}" for a in ("DescribeStream", "GetRecords", "GetShardIterator")}
    assert follow.keys() - observed == {*stream, "dynamodb:ListStreams", "sqs:SendMessage"}
    assert follow["dynamodb:GetRecords"].endswith(f":{NAME}-followed/stream/label")
    ship = _allowed(with_jobs, f"{NAME}-job-ship")
    taken = {
        f"sqs:{action}" for action in ("DeleteMessage", "GetQueueAttributes", "ReceiveMessage")
    }
    assert ship.keys() - observed == taken
    assert ship["sqs:ReceiveMessage"].endswith(f":{NAME}-orders")
    schedule = _allowed(with_jobs, f"{NAME}-job-clean-up-schedule")
    assert schedule.keys() == {"lambda:InvokeFunction", "sqs:SendMessage"}


def test_a_queue_hides_six_timeouts_long_and_gives_up_after_the_attempts(
    with_jobs: list[Resource],
) -> None:
    assert _of(with_jobs, "Queue", f"{NAME}-orders")["visibilityTimeoutSeconds"] == 600
    redrive = json.loads(_of(with_jobs, "RedrivePolicy", f"{NAME}-job-ship")["redrivePolicy"])
    assert redrive["maxReceiveCount"] == 5 and redrive["deadLetterTargetArn"].endswith("letters")
    mapping = _of(with_jobs, "EventSourceMapping", f"{NAME}-job-ship")
    assert mapping["functionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["scalingConfig"] == {"maximumConcurrency": 10}


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
    (target,) = _of(with_jobs, "BucketNotification", f"{NAME}-job-resize")["lambdaFunctions"]
    assert target["events"] == ["s3:ObjectCreated:*"]
    assert (target["filterPrefix"], target["filterSuffix"]) == ("in/", ".png")
    retries = _of(with_jobs, "FunctionEventInvokeConfig", f"{NAME}-job-resize")
    assert retries["destinationConfig"]["onFailure"]["destination"].endswith("-dead-letters")
    assert _allowed(with_jobs, f"{NAME}-job-resize")["sqs:SendMessage"].endswith("-dead-letters")
