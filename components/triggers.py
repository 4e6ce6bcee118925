"""The AWS resources of each trigger: what starts a job's function, and the rights for that.

To add a trigger, add its row to TRIGGER_RESOURCES; see docs/contributing/adding-a-trigger.md.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.iam import policies
from components.iam.roles import RoleFactory
from components.lambda_function import Bindings
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


@dataclass(frozen=True, kw_only=True)
class AgeMetric:
    """CloudWatch's metric for the age of the oldest unhandled item; `per_second` is its unit."""

    namespace: str
    name: str
    dimensions: Mapping[str, pulumi.Input[str]]
    per_second: int


@dataclass(frozen=True, kw_only=True)
class TriggerResources:
    """The row of a trigger.

    `statements` returns the rights of the function's role that Lambda needs to read the source and
    to keep failed items. `connect` declares the resources that start the function. `oldest_item`
    returns the metric of the backlog, or None if there is no backlog.
    """

    statements: Callable[[Any, Bindings, aws.sqs.Queue], Statements]
    connect: Callable[[Any, Target], None]
    oldest_item: Callable[[Any, Bindings, pulumi.Output[str]], AgeMetric | None]


def _allow(actions: list[str], resource: pulumi.Output[str]) -> pulumi.Output[policies.Statement]:
    return resource.apply(lambda arn: policies.allow(actions, arn))


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


# -- Schedules ------------------------------------------------------------------------------------
def _connect_schedule(trigger: ScheduleTrigger, target: Target) -> None:
    retries = _event_invoke_config(trigger.max_attempts, target)
    role = target.roles.create("scheduler", f"{target.name}-schedule", target.options())
    policy = aws.iam.RolePolicy(
        f"{target.name}-schedule",
        role=role.name,
        policy=pulumi.Output.all(target.alias.arn, target.dead_letters.arn).apply(
            lambda arns: policies.policy_document(
                [
                    policies.allow(["lambda:InvokeFunction"], arns[0]),
                    policies.allow(["sqs:SendMessage"], arns[1]),
                ]
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


_SCHEDULE = TriggerResources(
    statements=lambda _, __, dead_letters: [_allow(["sqs:SendMessage"], dead_letters.arn)],
    connect=_connect_schedule,
    oldest_item=lambda *_: None,
)


# -- Queues ---------------------------------------------------------------------------------------
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


_QUEUE = TriggerResources(
    # SQS itself moves the dead letters of a queue.
    statements=lambda trigger, bindings, _: [
        _allow(_CONSUME_ACTIONS, bindings.queues[trigger.queue].arn)
    ],
    connect=_connect_queue,
    oldest_item=lambda trigger, bindings, _: AgeMetric(
        namespace="AWS/SQS",
        name="ApproximateAgeOfOldestMessage",
        dimensions={"QueueName": bindings.queues[trigger.queue].name},
        per_second=1,
    ),
)


# -- Streams of tables ----------------------------------------------------------------------------
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


_STREAM = TriggerResources(
    statements=lambda trigger, bindings, dead_letters: [
        _allow(["sqs:SendMessage"], dead_letters.arn),
        _allow(_STREAM_ACTIONS, bindings.tables[trigger.table].stream_arn),
    ],
    connect=_connect_stream,
    oldest_item=lambda _, __, function_name: AgeMetric(
        namespace="AWS/Lambda",
        name="IteratorAge",
        dimensions={"FunctionName": function_name},
        per_second=1_000,
    ),
)


# -- Objects of buckets ---------------------------------------------------------------------------
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


_OBJECT = TriggerResources(
    statements=lambda _, __, dead_letters: [_allow(["sqs:SendMessage"], dead_letters.arn)],
    connect=_connect_bucket,
    oldest_item=lambda *_: None,
)


# One row for each trigger of function.declare.trigger.TRIGGERS.
TRIGGER_RESOURCES: Mapping[type, TriggerResources] = {
    ScheduleTrigger: _SCHEDULE,
    QueueTrigger: _QUEUE,
    StreamTrigger: _STREAM,
    ObjectTrigger: _OBJECT,
}
