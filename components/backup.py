"""EpochBackup: daily backups of tables by AWS Backup."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from components.component import EpochComponent
from components.iam import policies
from components.iam.roles import RoleFactory
from components.table import EpochTable


def _statements(arns: list[str]) -> list[policies.Statement]:
    """Return the rights for backups of tables, as AWS's own policy for AWS Backup has them."""
    actions = ["CreateBackup", "DescribeTable", "ListTagsOfResource", "StartAwsBackupJob"]
    return [
        policies.allow([f"dynamodb:{action}" for action in actions], arns),
        policies.allow(
            ["dynamodb:DeleteBackup", "dynamodb:DescribeBackup"],
            [f"{arn}/backup/*" for arn in arns],
        ),
    ]


class EpochBackup(EpochComponent):
    """A vault and a plan, which keep a daily backup of each table for `keep_days`.

    A backup outlives its table. AWS deletes no vault that holds backups, and `protect` stops
    Pulumi from trying.
    """

    def __init__(
        self,
        name: str,
        *,
        tables: Mapping[str, EpochTable],
        keep_days: pulumi.Input[int],
        roles: RoleFactory,
        protect: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        arns = pulumi.Output.all(*(table.arn for table in tables.values()))
        role = roles.create("backup", name, self.child())
        policy = aws.iam.RolePolicy(
            name,
            role=role.name,
            policy=arns.apply(lambda known: policies.document(*_statements(known))),
            opts=self.child(),
        )
        vault = aws.backup.Vault(name, opts=self.child(protect=protect))
        plan = aws.backup.Plan(
            name,
            rules=[
                {
                    "rule_name": "daily",
                    "target_vault_name": vault.name,
                    "schedule": "cron(0 3 * * ? *)",
                    "lifecycle": {"delete_after": keep_days},
                }
            ],
            opts=self.child(),
        )
        aws.backup.Selection(
            name,
            plan_id=plan.id,
            iam_role_arn=role.arn,
            resources=arns,
            opts=self.child(depends_on=[policy]),
        )
