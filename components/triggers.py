"""The AWS resources of each trigger: they start a job's function, with the rights for that.

To add a trigger, add its row to TRIGGER_RESOURCES; see docs/contributing/adding-a-trigger.md.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.bindings import Bindings
from components.iam import policies
from components.lambda_function import LambdaFunction
from components.metrics import Alarm, Formula, Source
from function.declare.job import Job
from function.declare.permission import fill_settings
from function.declare.trigger import (
    EventTrigger,
    ObjectTrigger,
    QueueTrigger,
    ScheduleTrigger,
    StreamTrigger,
    TopicTrigger,
)

Statements = list[pulumi.Output[policies.Statement]]


class TriggeredFunction(LambdaFunction):
    """The function of a job, with the queue for the items that it cannot handle."""

    job_name: str
    job: Job
    dead_letters: aws.sqs.Queue
    retries: pulumi.Resource  # of a scheduled job


def _allow(service: str, actions: str, resource: pulumi.Output[str]) -> Statements:
    named = [f"{service}:{action}" for action in actions.split()]
    return [resource.apply(lambda arn: policies.allow(named, arn))]


def _send_dead_letters(_: Any, job: TriggeredFunction) -> Statements:
    return _allow("sqs", "SendMessage", job.dead_letters.arn)


def _throttle_alarms(_: Any, job: TriggeredFunction) -> list[Alarm]:
    text = f"Lambda throttles job {job.job_name}: the concurrency limit is reached."
    return [Alarm("job-throttles", text, job.metrics.of("Throttles"), 1)]


@dataclass(frozen=True)
class TriggerResources:
    """The row of a trigger.

    `connect` declares the resources that start the function. `statements` returns the rights of the
    function's role that Lambda needs to read the source and to keep failed items. `alarms` returns
    the alarms on throttles, on old items and on a trigger that starts nothing more. `fifo` returns
    True if the dead letters need a FIFO queue.
    """

    connect: Callable[[Any, TriggeredFunction], None]
    statements: Callable[[Any, TriggeredFunction], Statements] = _send_dead_letters
    alarms: Callable[[Any, TriggeredFunction], list[Alarm]] = _throttle_alarms
    fifo: Callable[[Any, Bindings], bool] = lambda *_: False


def _event_invoke_config(max_attempts: int, job: TriggeredFunction) -> pulumi.Resource:
    """Limit the attempts of asynchronous invocations, and keep the events that still fail."""
    return aws.lambda_.FunctionEventInvokeConfig(
        job.pulumi_resource_name,
        function_name=job.name,
        qualifier=job.alias.name,
        maximum_retry_attempts=max_attempts - 1,
        destination_config={"on_failure": {"destination": job.dead_letters.arn}},
        opts=job.child(),
    )


def _permit(
    service: str, source: pulumi.Output[str], job: TriggeredFunction, **more: Any
) -> pulumi.Resource:
    return job.permit(job.pulumi_resource_name, service, source, job.child(), **more)


def _connect_schedule(trigger: ScheduleTrigger, job: TriggeredFunction) -> None:
    # EpochSchedules declares the schedule, since its role names all scheduled jobs.
    job.retries = _event_invoke_config(trigger.max_attempts, job)


def _consume_queue(trigger: QueueTrigger, job: TriggeredFunction) -> Statements:
    # SQS itself moves the dead letters.
    queue = job.bindings.queues[trigger.queue]
    return _allow("sqs", "DeleteMessage GetQueueAttributes ReceiveMessage", queue.arn)


def _connect_queue(trigger: QueueTrigger, job: TriggeredFunction) -> None:
    queue = job.bindings.queues[trigger.queue]
    # It has the queue's name, since Pulumi would delete it after another job had set it again.
    redrive = aws.sqs.RedrivePolicy(
        queue.pulumi_resource_name,
        queue_url=queue.url,
        redrive_policy=job.dead_letters.arn.apply(
            lambda arn: json.dumps(
                {"deadLetterTargetArn": arn, "maxReceiveCount": trigger.max_attempts}
            )
        ),
        opts=job.child(),
    )
    aws.lambda_.EventSourceMapping(
        job.pulumi_resource_name,
        event_source_arn=queue.arn,
        function_name=job.alias.arn,
        function_response_types=["ReportBatchItemFailures"],
        scaling_config={"maximum_concurrency": trigger.max_concurrency},
        opts=job.child(depends_on=[redrive]),
    )


def _queue_alarms(trigger: QueueTrigger, job: TriggeredFunction) -> list[Alarm]:
    queue = job.bindings.queues[trigger.queue]
    source = Source("AWS/SQS", {"QueueName": queue.name})
    age = source.of("ApproximateAgeOfOldestMessage", "Maximum")
    # A message that fails once waits for the visibility timeout.
    waits_s = queue.declared.delay_s + max(900, 2 * queue.visibility_timeout_s)
    backlog = Alarm("job-backlog", _waits(job, waits_s), age, waits_s)
    return [*_throttle_alarms(trigger, job), backlog]


def _waits(job: TriggeredFunction, waits_s: int) -> str:
    return f"The oldest item of job {job.job_name} has waited for {waits_s // 60} minutes."


def _read_stream(trigger: StreamTrigger, job: TriggeredFunction) -> Statements:
    actions = "DescribeStream GetRecords GetShardIterator ListStreams"
    table = job.bindings.tables[trigger.table]
    return [*_send_dead_letters(trigger, job), *_allow("dynamodb", actions, table.stream_arn)]


def _connect_stream(trigger: StreamTrigger, job: TriggeredFunction) -> None:
    aws.lambda_.EventSourceMapping(
        job.pulumi_resource_name,
        event_source_arn=job.bindings.tables[trigger.table].stream_arn,
        function_name=job.alias.arn,
        function_response_types=["ReportBatchItemFailures"],
        # "LATEST" would miss the changes that happen while AWS creates the mapping.
        starting_position="TRIM_HORIZON",
        maximum_retry_attempts=trigger.max_attempts - 1,
        bisect_batch_on_function_error=True,
        destination_config={"on_failure": {"destination_arn": job.dead_letters.arn}},
        opts=job.child(),
    )


def _connect_bucket(trigger: ObjectTrigger, job: TriggeredFunction) -> None:
    bucket = job.bindings.buckets[trigger.bucket]
    # The ARN of a bucket names no account, and another account can reuse a deleted name.
    account = aws.get_caller_identity_output().account_id
    permission = _permit("s3", bucket.arn, job, source_account=account)
    retries = _event_invoke_config(trigger.max_attempts, job)
    # It has the bucket's name, since Pulumi would delete it after another job had set it again.
    aws.s3.BucketNotification(
        bucket.pulumi_resource_name,
        bucket=bucket.name,
        lambda_functions=[
            {
                "lambda_function_arn": job.alias.arn,
                "events": ["s3:ObjectCreated:*"],
                "filter_prefix": trigger.prefix or None,
                "filter_suffix": trigger.suffix or None,
            }
        ],
        opts=job.child(depends_on=[permission, retries]),
    )


def _connect_topic(trigger: TopicTrigger, job: TriggeredFunction) -> None:
    topic = job.bindings.topics[trigger.topic]
    permission = _permit("sns", topic.arn, job)
    policy = trigger.filter_policy
    aws.sns.TopicSubscription(
        job.pulumi_resource_name,
        topic=topic.arn,
        protocol="lambda",
        endpoint=job.alias.arn,
        filter_policy=None if policy is None else json.dumps(policy),
        filter_policy_scope="MessageBody" if trigger.filter_body else None,
        opts=job.child(depends_on=[permission, _event_invoke_config(trigger.max_attempts, job)]),
    )


def _connect_bus(trigger: EventTrigger, job: TriggeredFunction) -> None:
    bus = fill_settings(trigger.bus, job.bindings.settings)
    rule = aws.cloudwatch.EventRule(
        job.pulumi_resource_name,
        description=job.job.summary,
        event_bus_name=bus,
        event_pattern=json.dumps(trigger.pattern),
        opts=job.child(),
    )
    permission = _permit("events", rule.arn, job)
    aws.cloudwatch.EventTarget(
        job.pulumi_resource_name,
        rule=rule.name,
        event_bus_name=bus,
        arn=job.alias.arn,
        opts=job.child(depends_on=[permission, _event_invoke_config(trigger.max_attempts, job)]),
    )


_UNITS_S = {"minute": 60, "hour": 3_600, "day": 86_400}


def _interval_s(expression: str) -> int | None:
    """Return the longest time between two runs; None if it differs from day to day."""
    kind, *fields = re.split("[( )]+", expression.rstrip(")"))
    if kind == "rate":
        return int(fields[0]) * _UNITS_S[fields[1].rstrip("s")]
    if kind == "cron" and {*fields[2:]} <= {"*", "?"}:
        return _UNITS_S["hour" if fields[1] == "*" else "day"]
    return None


def _schedule_alarms(trigger: ScheduleTrigger, job: TriggeredFunction) -> list[Alarm]:
    """Return the alarm on a schedule that misses two runs.

    There is none for a schedule without a fixed interval or with more than three days, since
    CloudWatch looks back seven days. Throttles need no alarm: Lambda retries a run for six hours,
    and then makes it a dead letter.
    """
    interval_s = _interval_s(trigger.expression)
    if interval_s is None or interval_s > 3 * 86_400:
        return []
    hours = max(1, -(-2 * interval_s // 3_600))
    text = f"Its schedule {trigger.expression} started no run in {hours} hours."
    runs = job.metrics.of("Invocations")
    return [Alarm("job-stopped", _stopped(job, text), runs, 1, "", 3_600, hours, hours, below=True)]


def _stopped(job: TriggeredFunction, text: str) -> str:
    return f"Job {job.job_name} no longer runs. {text}"


def _stream_alarms(trigger: StreamTrigger, job: TriggeredFunction) -> list[Alarm]:
    table, waits_s = job.bindings.tables[trigger.table].metrics, 900
    age_ms = job.metrics.of("IteratorAge", "Maximum")
    text = f"Table {trigger.table} changes, but its stream started no run in 45 minutes."
    unread = Formula(
        "IF(writes > 0 AND FILL(runs, 0) < 1, 1, 0)",
        {"writes": table.of("ConsumedWriteCapacityUnits"), "runs": job.metrics.of("Invocations")},
    )
    return [
        *_throttle_alarms(trigger, job),
        Alarm("job-backlog", _waits(job, waits_s), age_ms, 1_000 * waits_s),
        Alarm("job-stopped", _stopped(job, text), unread, 1, "", 900, 3, 3),
    ]


# One row for each trigger of function.declare.trigger.TRIGGERS.
TRIGGER_RESOURCES: Mapping[type, TriggerResources] = {
    ScheduleTrigger: TriggerResources(_connect_schedule, alarms=_schedule_alarms),
    QueueTrigger: TriggerResources(
        _connect_queue,
        _consume_queue,
        _queue_alarms,
        # SQS takes a queue of the same kind only.
        fifo=lambda trigger, bindings: bindings.queues[trigger.queue].declared.fifo,
    ),
    StreamTrigger: TriggerResources(_connect_stream, _read_stream, _stream_alarms),
    ObjectTrigger: TriggerResources(_connect_bucket),
    TopicTrigger: TriggerResources(_connect_topic),
    EventTrigger: TriggerResources(_connect_bus),
}
