"""EpochJob: a function that a schedule, a queue or a table's stream starts."""

import json

import pulumi
import pulumi_aws as aws

from components.iam import policies
from components.iam.roles import RoleFactory
from components.lambda_function import Bindings, LambdaFunction
from function.declare.job import Job
from function.declare.trigger import QueueTrigger, ScheduleTrigger, StreamTrigger

# SQS's longest: a dead letter is as old as its message.
_DEAD_LETTERS_KEPT_S = 14 * 86_400
_CONSUME_ACTIONS = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
_STREAM_ACTIONS = [
    f"dynamodb:{action}"
    for action in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
]


class EpochJob(pulumi.ComponentResource):
    """A job's own function, its trigger, and a queue for what it could not handle.

    `job_name` is the job's name, that of its module.
    """

    def __init__(
        self,
        name: str,
        *,
        job_name: str,
        job: Job,
        bindings: Bindings,
        log_retention_days: int,
        roles: RoleFactory,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("epoch:components:EpochJob", name, None, opts)
        self._name, self._bindings, self._child = (
            name,
            bindings,
            pulumi.ResourceOptions(parent=self),
        )
        self.job = job
        self.dead_letters = aws.sqs.Queue(
            f"{name}-dead-letters",
            message_retention_seconds=_DEAD_LETTERS_KEPT_S,
            sqs_managed_sse_enabled=True,
            opts=self._child,
        )
        compute = LambdaFunction(
            name,
            parent=self,
            handler="function.runtime.job_handler.handler",
            permissions=job.permissions,
            bindings=bindings,
            environment={"JOB_NAME": job_name},
            memory_mb=job.memory_mb,
            timeout_s=job.timeout_s,
            log_retention_days=log_retention_days,
            roles=roles,
            extra_statements=self._own_statements(job),
        )
        self.log_group, self.alias, self.name = (
            compute.log_group,
            compute.alias,
            compute.name,
        )
        if isinstance(job.trigger, ScheduleTrigger):
            self._add_schedule(job.trigger, job.summary, roles)
        elif isinstance(job.trigger, QueueTrigger):
            self._add_queue_source(job.trigger)
        else:
            self._add_stream_source(job.trigger)
        self.register_outputs({"name": self.name})

    def _own_statements(self, job: Job) -> list[pulumi.Output[policies.Statement]]:
        """Return what Lambda does in the function's name for the trigger."""

        def allow(
            actions: list[str], resource: pulumi.Output[str]
        ) -> pulumi.Output[policies.Statement]:
            return resource.apply(lambda arn: policies.allow(actions, arn))

        if isinstance(job.trigger, QueueTrigger):
            # SQS itself moves the dead letters of a queue.
            return [allow(_CONSUME_ACTIONS, self._bindings.queues[job.trigger.queue].arn)]
        statements = [allow(["sqs:SendMessage"], self.dead_letters.arn)]
        if isinstance(job.trigger, StreamTrigger):
            stream = self._bindings.tables[job.trigger.table].stream_arn
            statements.append(allow(_STREAM_ACTIONS, stream))
        return statements

    def _add_schedule(self, schedule: ScheduleTrigger, summary: str, roles: RoleFactory) -> None:
        retries = aws.lambda_.FunctionEventInvokeConfig(
            self._name,
            function_name=self.name,
            qualifier=self.alias.name,
            maximum_retry_attempts=schedule.max_attempts - 1,
            destination_config={"on_failure": {"destination": self.dead_letters.arn}},
            opts=self._child,
        )
        role = roles.create("scheduler", f"{self._name}-schedule", self._child)
        policy = aws.iam.RolePolicy(
            f"{self._name}-schedule",
            role=role.name,
            policy=pulumi.Output.all(self.alias.arn, self.dead_letters.arn).apply(
                lambda known: policies.policy_document(
                    [
                        policies.allow(["lambda:InvokeFunction"], known[0]),
                        policies.allow(["sqs:SendMessage"], known[1]),
                    ]
                )
            ),
            opts=self._child,
        )
        aws.scheduler.Schedule(
            self._name,
            description=summary,
            schedule_expression=schedule.expression,
            schedule_expression_timezone=schedule.timezone,
            flexible_time_window={"mode": "OFF"},
            target={
                "arn": self.alias.arn,
                "role_arn": role.arn,
                "input": json.dumps({"scheduled": "<aws.scheduler.scheduled-time>"}),
                "dead_letter_config": {"arn": self.dead_letters.arn},
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy, retries]),
        )

    def _add_queue_source(self, messages: QueueTrigger) -> None:
        queue = self._bindings.queues[messages.queue]
        redrive = aws.sqs.RedrivePolicy(
            self._name,
            queue_url=queue.url,
            redrive_policy=self.dead_letters.arn.apply(
                lambda arn: json.dumps(
                    {"deadLetterTargetArn": arn, "maxReceiveCount": messages.max_attempts}
                )
            ),
            opts=self._child,
        )
        aws.lambda_.EventSourceMapping(
            self._name,
            event_source_arn=queue.arn,
            function_name=self.alias.arn,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config={"maximum_concurrency": messages.max_concurrency},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[redrive]),
        )

    def _add_stream_source(self, changes: StreamTrigger) -> None:
        aws.lambda_.EventSourceMapping(
            self._name,
            event_source_arn=self._bindings.tables[changes.table].stream_arn,
            function_name=self.alias.arn,
            function_response_types=["ReportBatchItemFailures"],
            # From "now" on, Lambda would miss what happens while the mapping is being made.
            starting_position="TRIM_HORIZON",
            maximum_retry_attempts=changes.max_attempts - 1,
            bisect_batch_on_function_error=True,
            destination_config={"on_failure": {"destination_arn": self.dead_letters.arn}},
            opts=self._child,
        )
