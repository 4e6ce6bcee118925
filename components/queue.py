"""EpochQueue: an SQS queue."""

import pulumi
import pulumi_aws as aws

from function.declare.job import Job
from function.declare.queue import Queue


class EpochQueue(pulumi.ComponentResource):
    """An encrypted queue, as `queue` declares it.

    What `taker`, its job, has taken is hidden for six times the job's timeout, as AWS advises, so
    that no message comes again while Lambda still tries.
    """

    url: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        queue: Queue,
        taker: Job | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("epoch:components:EpochQueue", name, None, opts)
        self.queue = aws.sqs.Queue(
            name,
            visibility_timeout_seconds=6 * taker.timeout_s if taker else None,
            sqs_managed_sse_enabled=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.declared = queue
        self.name = self.queue.name
        self.url = self.queue.url
        self.arn = self.queue.arn
        self.register_outputs({"url": self.url, "arn": self.arn})
