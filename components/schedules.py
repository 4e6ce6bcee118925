"""EpochSchedules: starts jobs on their schedules."""

import json
from collections.abc import Iterable

import pulumi
import pulumi_aws as aws

from components import limits
from components.component import EpochComponent
from components.iam import policies
from components.iam.roles import RoleFactory
from components.job import EpochJob
from function.declare.trigger import ScheduleTrigger


class EpochSchedules(EpochComponent):
    """Starts those `jobs` that have a ScheduleTrigger.

    All schedules share a role, with which no code runs. It may start these jobs and send to their
    dead-letter queues. Raises ConfigError for more jobs than its policy can name, some 60.
    """

    def __init__(
        self,
        name: str,
        *,
        jobs: Iterable[EpochJob],
        roles: RoleFactory,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        scheduled = [
            (job, trigger)
            for job in jobs
            if isinstance(trigger := job.job.trigger, ScheduleTrigger)
        ]
        if not scheduled:
            return
        role = roles.create("scheduler", name, self.child())
        arns = [pulumi.Output.all(job.alias.arn, job.dead_letters.arn) for job, _ in scheduled]
        document = pulumi.Output.all(*arns).apply(_policy)
        policy = aws.iam.RolePolicy(name, role=role.name, policy=document, opts=self.child())
        for job, trigger in scheduled:
            _schedule(job, trigger, role, policy)


def _policy(arns: list[list[str]]) -> str:
    functions, queues = map(list, zip(*arns))
    document = policies.document(
        policies.allow(["lambda:InvokeFunction"], functions),
        policies.allow(["sqs:SendMessage"], queues),
    )
    subject, way_out = f"the policy for {len(arns)} schedules", "Split the jobs between two stacks"
    limits.check(subject, {"ARNs": len(document)}, limits.ROLE_POLICY_SIZE, "characters", way_out)
    return document


def _schedule(
    job: EpochJob, trigger: ScheduleTrigger, role: aws.iam.Role, policy: aws.iam.RolePolicy
) -> None:
    payload = {} if trigger.payload is None else {"payload": trigger.payload}
    aws.scheduler.Schedule(
        job.pulumi_resource_name,
        description=job.job.summary,
        schedule_expression=trigger.expression,
        schedule_expression_timezone=trigger.timezone,
        flexible_time_window={"mode": "OFF"},
        target={
            "arn": job.alias.arn,
            "role_arn": role.arn,
            "input": json.dumps({"scheduled": "<aws.scheduler.scheduled-time>"} | payload),
            "dead_letter_config": {"arn": job.dead_letters.arn},
        },
        opts=job.child(depends_on=[policy, job.retries]),
    )
