"""EpochJob: a Lambda function that a schedule, a queue or a table's stream starts."""

import json

import pulumi
import pulumi_aws as aws

from components.iam import policies
from components.iam.roles import RoleFactory
from components.lambda_function import Bindings, LambdaFunction
from function.job import Changes, Job, Messages, Schedule

# SQS's maximum, which counts from the arrival of the message in its first queue.
_DEAD_LETTERS_KEPT_S = 14 * 86_400
_CONSUME_ACTIONS = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
_STREAM_ACTIONS = [
    f"dynamodb:{action}"
    for action in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
]


class EpochJob(pulumi.ComponentResource):
    """A job's function, its trigger, and a dead-letter queue for the items that it cannot handle.

    `code` is a Lambda bundle and `handler` a function in it. `job_name` reaches the function in
    the environment variable JOB.
    """

    alias: aws.lambda_.Alias
    log_group: aws.cloudwatch.LogGroup
    name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        job_name: str,
        job: Job,
        code: pulumi.Input[pulumi.Archive],
        bindings: Bindings,
        roles: RoleFactory,
        handler: str = "function.work.handler",
        log_retention_days: pulumi.Input[int] = 30,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("epoch:components:EpochJob", name, None, opts)
        self._name, self._bindings = name, bindings
        self._child = pulumi.ResourceOptions(parent=self)
        self.job = job
        self.dead_letters = aws.sqs.Queue(
            f"{name}-dead-letters",
            message_retention_seconds=_DEAD_LETTERS_KEPT_S,
            sqs_managed_sse_enabled=True,
            opts=self._child,
        )
        parts = LambdaFunction(
            name,
            parent=self,
            environment={"JOB": job_name},
            permissions=job.access,
            bindings=bindings,
            code=code,
            handler=handler,
            memory_mb=job.memory_mb,
            timeout_s=job.timeout_s,
            log_retention_days=log_retention_days,
            roles=roles,
            extra_statements=self._own_statements(job),
        )
        self.log_group, self.alias, self.name = parts.log_group, parts.alias, parts.name
        if isinstance(job.trigger, Schedule):
            self._add_schedule(job.trigger, job.summary, roles)
        elif isinstance(job.trigger, Messages):
            self._add_queue_source(job.trigger)
        else:
            self._add_stream_source(job.trigger)
        self.register_outputs({"name": self.name, "dead_letters_arn": self.dead_letters.arn})

    def _own_statements(self, job: Job) -> list[pulumi.Output[policies.Statement]]:
        """Return the policy statements that Lambda needs to serve the trigger."""

        def allow(
            actions: list[str], resource: pulumi.Output[str]
        ) -> pulumi.Output[policies.Statement]:
            return resource.apply(lambda arn: policies.allow(actions, arn))

        if isinstance(job.trigger, Messages):
            # SQS itself moves the dead letters of a queue.
            return [allow(_CONSUME_ACTIONS, self._bindings.queues[job.trigger.queue].arn)]
        statements = [allow(["sqs:SendMessage"], self.dead_letters.arn)]
        if isinstance(job.trigger, Changes):
            stream = self._bindings.tables[job.trigger.table].stream_arn
            statements.append(allow(_STREAM_ACTIONS, stream))
        return statements

    def _add_schedule(self, schedule: Schedule, summary: str, roles: RoleFactory) -> None:
        retries = aws.lambda_.FunctionEventInvokeConfig(
            self._name,
            function_name=self.name,
            qualifier=self.alias.name,
            maximum_retry_attempts=schedule.attempts - 1,
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

    def _add_queue_source(self, messages: Messages) -> None:
        queue = self._bindings.queues[messages.queue]
        redrive = aws.sqs.RedrivePolicy(
            self._name,
            queue_url=queue.url,
            redrive_policy=self.dead_letters.arn.apply(
                lambda arn: json.dumps(
                    {"deadLetterTargetArn": arn, "maxReceiveCount": messages.attempts}
                )
            ),
            opts=self._child,
        )
        aws.lambda_.EventSourceMapping(
            self._name,
            event_source_arn=queue.arn,
            function_name=self.alias.arn,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config={"maximum_concurrency": messages.concurrency},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[redrive]),
        )

    def _add_stream_source(self, changes: Changes) -> None:
        aws.lambda_.EventSourceMapping(
            self._name,
            event_source_arn=self._bindings.tables[changes.table].stream_arn,
            function_name=self.alias.arn,
            function_response_types=["ReportBatchItemFailures"],
            # "LATEST" would miss the changes that happen while AWS creates the mapping.
            starting_position="TRIM_HORIZON",
            maximum_retry_attempts=changes.attempts - 1,
            bisect_batch_on_function_error=True,
            destination_config={"on_failure": {"destination_arn": self.dead_letters.arn}},
            opts=self._child,
        )
