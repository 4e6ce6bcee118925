"""EpochBackup: daily backups of tables by AWS Backup."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

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


class EpochBackup(pulumi.ComponentResource):
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
        super().__init__("epoch:components:EpochBackup", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        arns = pulumi.Output.all(*(table.arn for table in tables.values()))
        role = roles.create("backup", name, child)
        policy = aws.iam.RolePolicy(
            name,
            role=role.name,
            policy=arns.apply(lambda known: policies.document(*_statements(known))),
            opts=child,
        )
        vault = aws.backup.Vault(name, opts=pulumi.ResourceOptions(parent=self, protect=protect))
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
            opts=child,
        )
        aws.backup.Selection(
            name,
            plan_id=plan.id,
            iam_role_arn=role.arn,
            resources=arns,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.register_outputs({"vault_name": vault.name})
