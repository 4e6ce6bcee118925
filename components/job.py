"""EpochJob: a Lambda function that a trigger starts."""

from typing import Unpack

import pulumi
import pulumi_aws as aws

from components.lambda_function import FunctionSettings, LambdaFunction
from components.triggers import TRIGGER_RESOURCES, Target
from function.declare.job import Job

# SQS's maximum, which counts from the arrival of the message in its first queue.
_DEAD_LETTERS_KEPT_S = 14 * 86_400


class EpochJob(pulumi.ComponentResource):
    """A job's function, its trigger, and a dead-letter queue for the items that it cannot handle.

    `job_name` reaches the function in the environment variable JOB_NAME. `version` is the
    published version, as `name:number`. `backlog` is the age of
    the oldest waiting item, `stopped` the alarm on a job that no longer runs; None for a trigger
    without one. Raises KeyError for a trigger that components/triggers.py does not know.
    """

    alias: aws.lambda_.Alias
    log_group: aws.cloudwatch.LogGroup
    name: pulumi.Output[str]
    version: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        job_name: str,
        job: Job,
        protect: bool = False,
        opts: pulumi.ResourceOptions | None = None,
        **settings: Unpack[FunctionSettings],
    ) -> None:
        super().__init__("epoch:components:EpochJob", name, None, opts)
        trigger, resources = job.trigger, TRIGGER_RESOURCES[type(job.trigger)]
        bindings = settings["bindings"]
        self.job = job
        self.dead_letters = aws.sqs.Queue(
            f"{name}-dead-letters",
            message_retention_seconds=_DEAD_LETTERS_KEPT_S,
            sqs_managed_sse_enabled=True,
            opts=pulumi.ResourceOptions(parent=self, protect=protect),
        )
        settings["environment"] = {**settings.get("environment", {}), "JOB_NAME": job_name}
        settings["memory_mb"] = job.memory_mb
        parts = LambdaFunction(
            name,
            parent=self,
            permissions=job.permissions,
            timeout_s=job.timeout_s,
            settings=settings,
            default_handler="function.runtime.job_handler.handler",
            source=repr(trigger),
            extra_statements=resources.statements(trigger, bindings, self.dead_letters),
        )
        self.log_group, self.alias, self.name = parts.log_group, parts.alias, parts.name
        self.version = parts.version
        self.backlog = resources.backlog(trigger, bindings, self.name)
        self.stopped = resources.stopped(trigger, bindings, self.name)
        resources.connect(
            trigger,
            Target(
                name=name,
                summary=job.summary,
                function_name=self.name,
                alias=self.alias,
                dead_letters=self.dead_letters,
                bindings=bindings,
                roles=settings["roles"],
                parent=self,
            ),
        )
        self.register_outputs({"name": self.name, "dead_letters_arn": self.dead_letters.arn})
