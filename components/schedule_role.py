"""EpochScheduleRole: the role in which EventBridge Scheduler starts jobs."""

from functools import partial

import pulumi
import pulumi_aws as aws

from components.component import EpochComponent
from components.iam import policies
from components.iam.roles import RoleFactory


def _policy(jobs: str, known: list[str]) -> str:
    partition, account = known
    function = f"arn:{partition}:lambda:*:{account}:function:{jobs}*:live"
    queue = f"arn:{partition}:sqs:*:{account}:{jobs}*"
    return policies.document(
        policies.allow(["lambda:InvokeFunction"], function),
        policies.allow(["sqs:SendMessage"], queue),
    )


class EpochScheduleRole(EpochComponent):
    """A role that starts the jobs whose names begin with `jobs`, and uses their dead-letter queues.

    All schedules of a stack can share it: no code runs in it, and only a deployer may pass it to a
    schedule. `arn` is known once the role has its policy.
    """

    def __init__(
        self,
        name: str,
        *,
        jobs: str,
        roles: RoleFactory,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        role = roles.create("scheduler", name, self.child())
        known = pulumi.Output.all(
            aws.get_partition_output().partition, aws.get_caller_identity_output().account_id
        )
        policy = aws.iam.RolePolicy(
            name, role=role.name, policy=known.apply(partial(_policy, jobs)), opts=self.child()
        )
        self.arn = pulumi.Output.all(role.arn, policy.id).apply(lambda known: str(known[0]))
