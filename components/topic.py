"""EpochTopic: an SNS topic."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from components.component import EpochComponent
from function.declare.permission import fill_settings
from function.declare.topic import Topic


class EpochTopic(EpochComponent):
    """A topic of the stack, or an existing one by its ARN.

    `settings` are environment variables with their values, for an ARN that names one.
    """

    declared: Topic
    arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        topic: Topic,
        settings: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        self.declared = topic
        if topic.arn:
            self.arn = pulumi.Output.from_input(fill_settings(topic.arn, settings))
        else:
            self.arn = aws.sns.Topic(name, opts=self.child()).arn
