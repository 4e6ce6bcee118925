"""EpochJob: a Lambda function that a trigger starts."""

from typing import Unpack

import pulumi
import pulumi_aws as aws

from components.lambda_function import FunctionSettings
from components.triggers import TRIGGER_RESOURCES, TriggeredFunction
from function.declare.job import Job

# SQS's maximum, which counts from the arrival of the message in its first queue.
_DEAD_LETTERS_KEPT_S = 14 * 86_400


class EpochJob(TriggeredFunction):
    """A job's function, its trigger, and a dead-letter queue for the items that it cannot handle.

    `job_name` reaches the function in the environment variable JOB_NAME. `alarms` are those of the
    trigger. A ScheduleTrigger needs EpochSchedules, too. Raises KeyError for a trigger that
    components/triggers.py does not know.
    """

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
        super().__init__(name, opts)
        resources = TRIGGER_RESOURCES[type(job.trigger)]
        self.job, self.job_name = job, job_name
        self.bindings = settings["bindings"]
        self.dead_letters = aws.sqs.Queue(
            f"{name}-dead-letters",
            fifo_queue=resources.fifo(job.trigger, self.bindings) or None,
            message_retention_seconds=_DEAD_LETTERS_KEPT_S,
            sqs_managed_sse_enabled=True,
            opts=self.child(protect=protect),
        )
        settings["memory_mb"] = job.memory_mb
        self._create(
            name,
            settings,
            permissions=job.permissions,
            timeout_s=job.timeout_s,
            default_handler="function.runtime.job_handler.handler",
            variables={"JOB_NAME": job_name},
            source=repr(job.trigger),
            extra_statements=resources.statements(job.trigger, self),
        )
        self.alarms = resources.alarms(job.trigger, self)
        resources.connect(job.trigger, self)
