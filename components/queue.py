"""EpochQueue: an SQS queue."""

import pulumi
import pulumi_aws as aws

from components.component import EpochComponent
from function.declare.job import Job
from function.declare.queue import Queue


class EpochQueue(EpochComponent):
    """An encrypted queue.

    With a `consumer`, a received message is invisible for six times the job's timeout. AWS
    recommends this factor, so that SQS does not deliver a message again while Lambda retries.
    """

    def __init__(
        self,
        name: str,
        *,
        queue: Queue,
        protect: bool = False,
        consumer: Job | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        self.visibility_timeout_s = 6 * consumer.timeout_s if consumer else 30
        self.queue = aws.sqs.Queue(
            name,
            fifo_queue=queue.fifo or None,
            delay_seconds=queue.delay_s or None,
            visibility_timeout_seconds=self.visibility_timeout_s if consumer else None,
            sqs_managed_sse_enabled=True,
            opts=self.child(protect=protect),
        )
        self.declared = queue
        self.name = self.queue.name
        self.url = self.queue.url
        self.arn = self.queue.arn
