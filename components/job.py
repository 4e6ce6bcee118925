"""EpochJob: a Lambda function that a trigger starts."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from components.iam.roles import RoleFactory
from components.lambda_function import Bindings, LambdaFunction
from components.triggers import TRIGGER_RESOURCES, Target
from function.declare.job import Job

# SQS's maximum, which counts from the arrival of the message in its first queue.
_DEAD_LETTERS_KEPT_S = 14 * 86_400


class EpochJob(pulumi.ComponentResource):
    """A job's function, its trigger, and a dead-letter queue for the items that it cannot handle.

    `code` is a Lambda bundle and `handler` a function in it. `job_name` reaches the function in
    the environment variable JOB_NAME, with `environment`. `oldest_item_age` is the metric of the
    backlog, or None. Raises KeyError for a trigger that components/triggers.py does not know.
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
        environment: Mapping[str, pulumi.Input[str]] | None = None,
        handler: str = "function.runtime.job_handler.handler",
        log_retention_days: pulumi.Input[int] = 30,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("epoch:components:EpochJob", name, None, opts)
        trigger, resources = job.trigger, TRIGGER_RESOURCES[type(job.trigger)]
        self.job = job
        self.dead_letters = aws.sqs.Queue(
            f"{name}-dead-letters",
            message_retention_seconds=_DEAD_LETTERS_KEPT_S,
            sqs_managed_sse_enabled=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        parts = LambdaFunction(
            name,
            parent=self,
            environment={**(environment or {}), "JOB_NAME": job_name},
            permissions=job.permissions,
            bindings=bindings,
            code=code,
            handler=handler,
            memory_mb=job.memory_mb,
            timeout_s=job.timeout_s,
            log_retention_days=log_retention_days,
            roles=roles,
            extra_statements=resources.statements(trigger, bindings, self.dead_letters),
        )
        self.log_group, self.alias, self.name = parts.log_group, parts.alias, parts.name
        self.oldest_item_age = resources.oldest_item(trigger, bindings, self.name)
        resources.connect(
            trigger,
            Target(
                name=name,
                summary=job.summary,
                function_name=self.name,
                alias=self.alias,
                dead_letters=self.dead_letters,
                bindings=bindings,
                roles=roles,
                parent=self,
            ),
        )
        self.register_outputs({"name": self.name, "dead_letters_arn": self.dead_letters.arn})
