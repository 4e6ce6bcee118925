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

from components.iam import policies
from components.iam.roles import RoleFactory
from components.lambda_function import Bindings
from components.metrics import Alarm, Backlog, Formula, Metric
from components.queue import EpochQueue
from function.declare.trigger import ObjectTrigger, QueueTrigger, ScheduleTrigger, StreamTrigger

_CONSUME_ACTIONS = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
_STREAM_ACTIONS = [
    f"dynamodb:{action}"
    for action in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
]

Statements = list[pulumi.Output[policies.Statement]]


@dataclass(frozen=True, kw_only=True)
class Target:
    """The job that a trigger starts: its function with the alias, and its dead-letter queue."""

    name: str
    summary: str
    function_name: pulumi.Output[str]
    alias: aws.lambda_.Alias
    dead_letters: aws.sqs.Queue
    bindings: Bindings
    roles: RoleFactory
    parent: pulumi.Resource

    def options(self, *depends_on: pulumi.Resource) -> pulumi.ResourceOptions:
        """Return the options of a resource of the job."""
        return pulumi.ResourceOptions(parent=self.parent, depends_on=list(depends_on) or None)


@dataclass(frozen=True)
class TriggerResources:
    """The row of a trigger.

    `statements` returns the rights of the function's role that Lambda needs to read the source and
    to keep failed items. `connect` declares the resources that start the function. `backlog`
    returns the age of the oldest item, `stopped` the alarm on a trigger that starts nothing more.
    """

    statements: Callable[[Any, Bindings, aws.sqs.Queue], Statements]
    connect: Callable[[Any, Target], None]
    backlog: Callable[[Any, Bindings, pulumi.Output[str]], Backlog | None] = lambda *_: None
    stopped: Callable[[Any, Bindings, pulumi.Output[str]], Alarm | None] = lambda *_: None


def _allow(actions: list[str], resource: pulumi.Output[str]) -> pulumi.Output[policies.Statement]:
    return resource.apply(lambda arn: policies.allow(actions, arn))


def _send_dead_letters(_: Any, __: Bindings, dead_letters: aws.sqs.Queue) -> Statements:
    return [_allow(["sqs:SendMessage"], dead_letters.arn)]


def _event_invoke_config(max_attempts: int, target: Target) -> pulumi.Resource:
    """Limit the attempts of asynchronous invocations, and keep the events that still fail."""
    return aws.lambda_.FunctionEventInvokeConfig(
        target.name,
        function_name=target.function_name,
        qualifier=target.alias.name,
        maximum_retry_attempts=max_attempts - 1,
        destination_config={"on_failure": {"destination": target.dead_letters.arn}},
        opts=target.options(),
    )


def _connect_schedule(trigger: ScheduleTrigger, target: Target) -> None:
    retries = _event_invoke_config(trigger.max_attempts, target)
    role = target.roles.create("scheduler", f"{target.name}-schedule", target.options())
    policy = aws.iam.RolePolicy(
        f"{target.name}-schedule",
        role=role.name,
        policy=pulumi.Output.all(target.alias.arn, target.dead_letters.arn).apply(
            lambda arns: policies.document(
                policies.allow(["lambda:InvokeFunction"], arns[0]),
                policies.allow(["sqs:SendMessage"], arns[1]),
            )
        ),
        opts=target.options(),
    )
    aws.scheduler.Schedule(
        target.name,
        description=target.summary,
        schedule_expression=trigger.expression,
        schedule_expression_timezone=trigger.timezone,
        flexible_time_window={"mode": "OFF"},
        target={
            "arn": target.alias.arn,
            "role_arn": role.arn,
            "input": json.dumps({"scheduled": "<aws.scheduler.scheduled-time>"}),
            "dead_letter_config": {"arn": target.dead_letters.arn},
        },
        opts=target.options(policy, retries),
    )


def _connect_queue(trigger: QueueTrigger, target: Target) -> None:
    queue = target.bindings.queues[trigger.queue]
    redrive = aws.sqs.RedrivePolicy(
        target.name,
        queue_url=queue.url,
        redrive_policy=target.dead_letters.arn.apply(
            lambda arn: json.dumps(
                {"deadLetterTargetArn": arn, "maxReceiveCount": trigger.max_attempts}
            )
        ),
        opts=target.options(),
    )
    aws.lambda_.EventSourceMapping(
        target.name,
        event_source_arn=queue.arn,
        function_name=target.alias.arn,
        function_response_types=["ReportBatchItemFailures"],
        scaling_config={"maximum_concurrency": trigger.max_concurrency},
        opts=target.options(redrive),
    )


def _connect_stream(trigger: StreamTrigger, target: Target) -> None:
    aws.lambda_.EventSourceMapping(
        target.name,
        event_source_arn=target.bindings.tables[trigger.table].stream_arn,
        function_name=target.alias.arn,
        function_response_types=["ReportBatchItemFailures"],
        # "LATEST" would miss the changes that happen while AWS creates the mapping.
        starting_position="TRIM_HORIZON",
        maximum_retry_attempts=trigger.max_attempts - 1,
        bisect_batch_on_function_error=True,
        destination_config={"on_failure": {"destination_arn": target.dead_letters.arn}},
        opts=target.options(),
    )


def _connect_bucket(trigger: ObjectTrigger, target: Target) -> None:
    bucket = target.bindings.buckets[trigger.bucket]
    permission = aws.lambda_.Permission(
        target.name,
        action="lambda:InvokeFunction",
        function=target.function_name,
        qualifier=target.alias.name,
        principal="s3.amazonaws.com",
        source_arn=bucket.arn,
        # The ARN of a bucket names no account, and another account can reuse a deleted name.
        source_account=aws.get_caller_identity_output().account_id,
        opts=target.options(),
    )
    retries = _event_invoke_config(trigger.max_attempts, target)
    aws.s3.BucketNotification(
        target.name,
        bucket=bucket.name,
        lambda_functions=[
            {
                "lambda_function_arn": target.alias.arn,
                "events": ["s3:ObjectCreated:*"],
                "filter_prefix": trigger.prefix or None,
                "filter_suffix": trigger.suffix or None,
            }
        ],
        opts=target.options(permission, retries),
    )


def _queue_backlog(queue: EpochQueue) -> Backlog:
    metric = Metric(
        "AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum", {"QueueName": queue.name}
    )
    # A message that fails once waits for the visibility timeout.
    return Backlog(metric, 1, max(900, 2 * queue.visibility_timeout_s))


def _invocations(function: pulumi.Output[str]) -> Metric:
    return Metric("AWS/Lambda", "Invocations", "Sum", {"FunctionName": function})


_UNITS_S = {"minute": 60, "hour": 3_600, "day": 86_400}


def _interval_s(expression: str) -> int | None:
    """Return the longest time between two runs; None if it differs from day to day."""
    kind, *fields = re.split("[( )]+", expression.rstrip(")"))
    if kind == "rate":
        return int(fields[0]) * _UNITS_S[fields[1].rstrip("s")]
    if kind == "cron" and {*fields[2:]} <= {"*", "?"}:
        return _UNITS_S["hour" if fields[1] == "*" else "day"]
    return None


def _stopped_schedule(
    trigger: ScheduleTrigger, _: Bindings, function: pulumi.Output[str]
) -> Alarm | None:
    """Return the alarm on a schedule that misses two runs.

    None for a schedule without a fixed interval or with more than three days, since CloudWatch
    looks back seven days.
    """
    interval_s = _interval_s(trigger.expression)
    if interval_s is None or interval_s > 3 * 86_400:
        return None
    hours = max(1, -(-2 * interval_s // 3_600))
    text = f"Its schedule {trigger.expression} started no run in {hours} hours."
    runs = _invocations(function)
    return Alarm("", text, runs, 1, "", 3_600, periods=hours, datapoints=hours, below=True)


def _stopped_stream(
    trigger: StreamTrigger, bindings: Bindings, function: pulumi.Output[str]
) -> Alarm:
    table = {"TableName": bindings.tables[trigger.table].name}
    writes = Metric("AWS/DynamoDB", "ConsumedWriteCapacityUnits", "Sum", table)
    text = f"Table {trigger.table} changes, but its stream started no run in 45 minutes."
    unread = Formula(
        "IF(writes > 0 AND FILL(runs, 0) < 1, 1, 0)",
        {"writes": writes, "runs": _invocations(function)},
    )
    return Alarm("", text, unread, 1, period_s=900, periods=3, datapoints=3)


# One row for each trigger of function.declare.trigger.TRIGGERS.
TRIGGER_RESOURCES: Mapping[type, TriggerResources] = {
    ScheduleTrigger: TriggerResources(
        _send_dead_letters, _connect_schedule, stopped=_stopped_schedule
    ),
    QueueTrigger: TriggerResources(
        # SQS itself moves the dead letters of a queue.
        statements=lambda trigger, bindings, _: [
            _allow(_CONSUME_ACTIONS, bindings.queues[trigger.queue].arn)
        ],
        connect=_connect_queue,
        backlog=lambda trigger, bindings, _: _queue_backlog(bindings.queues[trigger.queue]),
    ),
    StreamTrigger: TriggerResources(
        statements=lambda trigger, bindings, dead_letters: [
            _allow(["sqs:SendMessage"], dead_letters.arn),
            _allow(_STREAM_ACTIONS, bindings.tables[trigger.table].stream_arn),
        ],
        connect=_connect_stream,
        backlog=lambda _, __, function: Backlog(
            Metric("AWS/Lambda", "IteratorAge", "Maximum", {"FunctionName": function}), 1_000, 900
        ),
        stopped=_stopped_stream,
    ),
    ObjectTrigger: TriggerResources(_send_dead_letters, _connect_bucket),
}
