"""Topic: an SNS topic, declared in `function.topics`."""

from typing import Annotated, NamedTuple

from function.declare.checks import Name, matches


class Topic(NamedTuple):
    """An SNS topic. Each job that subscribes to it names it in a TopicTrigger.

    The stack creates the topic, unless `arn` names an existing one. In `arn`, `{name}` stands for a
    setting of `function.settings`. SNS delivers from no FIFO topic to a job.
    """

    name: Name
    arn: Annotated[
        str,
        matches(r"|arn:[^{]*:sns:.*(?<!\.fifo)|\{\w+\}", "the ARN of a standard SNS topic"),
    ] = ""

    @property
    def env_var(self) -> str:
        """The environment variable that holds the topic's ARN on AWS."""
        return f"TOPIC_{self.name.upper().replace('-', '_')}_ARN"
