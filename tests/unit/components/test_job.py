"""What a stack declares for its jobs, and which declarations are refused."""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from components.naming import bucket_name
from function.declare.errors import DeclarationError
from function.declare.permission import QueuePermission, ServicePermission, TablePermission
from function.declare.registry import load_endpoints as declared_endpoints
from function.declare.job import Job
from function.declare.trigger import ObjectTrigger, QueueTrigger, ScheduleTrigger, StreamTrigger
from function.declare.job_registry import validate_jobs
from local import pulumi_program
from local.pulumi_program import Properties, Resource
from tests.conftest import NAME, STACK, plain
from tools.checks import terraform_json


@pytest.fixture(name="declared")
def _declared(jobs: Mapping[str, Job]) -> list[Resource]:
    assert jobs
    return pulumi_program.declared_resources(STACK, config=plain())


def _of(declared: list[Resource], kind: str, name: str) -> Properties:
    (found,) = [r.inputs for r in declared if r.kind.endswith(f":{kind}") and r.name == name]
    return found


def _allowed(declared: list[Resource], name: str) -> dict[str, Any]:
    policy = json.loads(_of(declared, "RolePolicy", name)["policy"])
    return {
        action: statement["Resource"]
        for statement in policy["Statement"]
        for action in statement["Action"]
    }


def test_a_job_runs_from_the_bundle_in_a_function_of_its_own(declared: list[Resource]) -> None:
    job, api = (
        _of(declared, "Function", f"{NAME}-{name}") for name in ("job-clean-up", "function")
    )
    assert job["code"].assets.keys() == api["code"].assets.keys()
    assert job["handler"] == "function.runtime.job_handler.handler" and job["timeout"] == 100
    assert job["environment"]["variables"]["JOB_NAME"] == "clean_up"
    assert job["role"] != api["role"]


def test_a_job_may_do_what_its_trigger_needs_and_no_more(declared: list[Resource]) -> None:
    observed = {
        *("logs:CreateLogStream", "logs:PutLogEvents"),
        *("xray:PutTelemetryRecords", "xray:PutTraceSegments"),
    }
    letters = "arn:aws:sqs:eu-central-1:123456789012:" + NAME + "-job-{}-dead-letters"
    once = _allowed(declared, f"{NAME}-job-clean-up")
    assert once.keys() - observed == {"sqs:SendMessage"}
    assert once["sqs:SendMessage"] == letters.format("clean-up")
    follow = _allowed(declared, f"{NAME}-job-follow")
    stream = {f"dynamodb:{a}" for a in ("DescribeStream", "GetRecords", "GetShardIterator")}
    assert follow.keys() - observed == {*stream, "dynamodb:ListStreams", "sqs:SendMessage"}
    assert follow["dynamodb:GetRecords"].endswith(f":{NAME}-followed/stream/label")
    ship = _allowed(declared, f"{NAME}-job-ship")
    taken = {
        f"sqs:{action}" for action in ("DeleteMessage", "GetQueueAttributes", "ReceiveMessage")
    }
    assert ship.keys() - observed == taken
    assert ship["sqs:ReceiveMessage"].endswith(f":{NAME}-orders")
    schedule = _allowed(declared, f"{NAME}-job-clean-up-schedule")
    assert schedule.keys() == {"lambda:InvokeFunction", "sqs:SendMessage"}


def test_a_queue_hides_six_timeouts_long_and_gives_up_after_the_attempts(
    declared: list[Resource],
) -> None:
    assert _of(declared, "Queue", f"{NAME}-orders")["visibilityTimeoutSeconds"] == 600
    redrive = json.loads(_of(declared, "RedrivePolicy", f"{NAME}-job-ship")["redrivePolicy"])
    assert redrive["maxReceiveCount"] == 5 and redrive["deadLetterTargetArn"].endswith("letters")
    mapping = _of(declared, "EventSourceMapping", f"{NAME}-job-ship")
    assert mapping["functionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["scalingConfig"] == {"maximumConcurrency": 10}


def test_a_stream_is_retried_halved_and_given_up(declared: list[Resource]) -> None:
    mapping = _of(declared, "EventSourceMapping", f"{NAME}-job-follow")
    assert mapping["maximumRetryAttempts"] == 4 and mapping["bisectBatchOnFunctionError"]
    assert mapping["functionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["destinationConfig"]["onFailure"]["destinationArn"].endswith("dead-letters")


def test_a_schedule_keeps_its_time_zone_and_its_failures(declared: list[Resource]) -> None:
    schedule = _of(declared, "Schedule", f"{NAME}-job-clean-up")
    assert schedule["scheduleExpressionTimezone"] == "Europe/Berlin"
    assert schedule["target"]["deadLetterConfig"]["arn"].endswith("-dead-letters")
    retries = _of(declared, "FunctionEventInvokeConfig", f"{NAME}-job-clean-up")
    assert retries["maximumRetryAttempts"] == 2 and retries["qualifier"] == "live"


def test_only_the_bucket_of_the_own_account_may_start_its_job(declared: list[Resource]) -> None:
    permission = _of(declared, "Permission", f"{NAME}-job-resize")
    assert permission["principal"] == "s3.amazonaws.com" and permission["qualifier"] == "live"
    assert permission["sourceArn"].endswith(f":{bucket_name(NAME)}-uploads")
    assert permission["sourceAccount"] == "123456789012"
    (target,) = _of(declared, "BucketNotification", f"{NAME}-job-resize")["lambdaFunctions"]
    assert target["events"] == ["s3:ObjectCreated:*"]
    assert (target["filterPrefix"], target["filterSuffix"]) == ("in/", ".png")
    retries = _of(declared, "FunctionEventInvokeConfig", f"{NAME}-job-resize")
    assert retries["destinationConfig"]["onFailure"]["destination"].endswith("-dead-letters")
    assert _allowed(declared, f"{NAME}-job-resize")["sqs:SendMessage"].endswith("-dead-letters")


def _job(**changed: Any) -> Job:
    plain: dict[str, Any] = {
        "trigger": ScheduleTrigger("rate(1 day)"),
        "summary": "x",
        "handle": print,
    }
    return Job(**{**plain, **changed})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"summary": " "}, "summary is missing"),
        ({"timeout_s": 901}, "timeout_s must be from 1 to 900, not 901"),
        (
            {
                "timeout_s": 7,
                "permissions": (TablePermission(table="followed", actions=("dynamodb:GetItem",)),),
            },
            "timeout_s must exceed 7, a call's deadline by TablePermission",
        ),
        (
            {"timeout_s": 7, "permissions": (QueuePermission(queue="orders"),)},
            "timeout_s must exceed 7, a call's deadline by QueuePermission",
        ),
        (
            {
                "timeout_s": 23,
                "permissions": (ServicePermission("s3", "*", ("s3:GetObject",), timeout_s=10),),
            },
            "timeout_s must exceed 23, a call's deadline by ServicePermission",
        ),
        ({"memory_mb": 64}, "memory_mb must be from 128 to 10,240, not 64"),
        ({"trigger": ScheduleTrigger("every day")}, "'every day' is not rate(5 minutes), cron("),
        (
            {"trigger": ScheduleTrigger("cron(0 3 * * * *)")},
            "needs one '?', as its day or its weekday",
        ),
        (
            {"trigger": ScheduleTrigger("rate(1 day)", timezone="Berlin")},
            "'Berlin' is not a time zone",
        ),
        (
            {"trigger": ScheduleTrigger("rate(1 day)", max_attempts=4)},
            "attempts must be from 1 to 3, not 4",
        ),
        ({"trigger": QueueTrigger(queue="ordres")}, "unknown queue 'ordres'; known queues: "),
        ({"trigger": StreamTrigger(table="follow")}, "unknown table 'follow'; known tables: "),
        ({"trigger": ObjectTrigger(bucket="upload")}, "unknown bucket 'upload'; known buckets: "),
        (
            {"trigger": ObjectTrigger(bucket="uploads", max_attempts=4)},
            "max_attempts must be from 1 to 3, not 4",
        ),
        ({"permissions": (QueuePermission(queue="ordres"),)}, "unknown queue 'ordres'"),
        (
            {"permissions": (TablePermission(table="none", actions=("dynamodb:Scan",)),)},
            "unknown table 'none'",
        ),
        (
            {"permissions": (ServicePermission("s3", "bucket", ("s3:GetObject",)),)},
            "resource: 'bucket' is not an ARN",
        ),
        (
            {"permissions": (ServicePermission("s3", "*", ("s3:*",)),)},
            "'s3:*' is not an action such as",
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


def test_a_cold_start_of_a_request_loads_nothing_of_jobs_queues_and_services() -> None:
    loaded = "import sys, function.runtime.api_handler; print(*(name for name in sys.modules))"
    run = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    optional = {
        *(
            "declare.bucket",
            "buckets",
            "declare.job",
            "declare.job_registry",
            "declare.queue",
            "jobs",
            "queues",
        ),
        *("runtime.job_handler", "runtime.service", "runtime.sqs"),
    }
    for endpoint in declared_endpoints():
        for access in endpoint.permissions:
            sends = isinstance(access, QueuePermission)
            optional -= {"declare.queue", "queues", "runtime.sqs"} if sends else set()
            optional -= {"runtime.service"} if isinstance(access, ServicePermission) else set()
    found = set(run.stdout.split())
    assert "function.runtime.dynamodb" in found
    assert not found & {f"function.{name}" for name in optional} and "zoneinfo" not in found


def test_the_scan_knows_what_jobs_declare(declared: list[Resource]) -> None:
    kinds = {"aws_lambda_event_source_mapping", "aws_scheduler_schedule", "aws_sqs_queue"}
    assert kinds <= {name.removesuffix(".tf.json") for name in terraform_json.render(declared)}
