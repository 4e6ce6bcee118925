"""EpochFunction: the Lambda function, its role, its log group and its alias."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from components import bundle
from components.roles import Roles
from components.table import EpochTable
from function.contract import Endpoint


def _policy(endpoints: Sequence[Endpoint], table_arns: Mapping[str, str], log_group: str) -> str:
    actions: dict[str, set[str]] = {}
    for access in (access for endpoint in endpoints for access in endpoint.access):
        index = f"/index/{access.index_name}" if access.index_name else ""
        actions.setdefault(table_arns[access.table] + index, set()).update(access.actions)
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": sorted(names), "Resource": resource}
        for resource, names in sorted(actions.items())
    ]
    statements.append(
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": [log_group, f"{log_group}:log-stream:*"],
        }
    )
    # X-Ray has no resources to name: its write actions exist only on "*".
    statements.append(
        {
            "Effect": "Allow",
            "Action": ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
            "Resource": "*",
        }
    )
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


class EpochFunction(pulumi.ComponentResource):
    """The function behind an alias, allowed exactly what its endpoints declare.

    `memory_mb` and `timeout_s` are Lambda's settings; `log_retention_days` one of CloudWatch
    Logs' periods. `reserved_concurrency` and `provisioned_concurrency` are numbers of
    concurrent executions, 0 for none. `retention_days` (0: for ever) and `trusted_proxies` reach
    the function as its environment.
    """

    def __init__(
        self,
        name: str,
        *,
        endpoints: Sequence[Endpoint],
        tables: Mapping[str, EpochTable],
        memory_mb: int,
        timeout_s: int,
        log_retention_days: int,
        roles: Roles,
        reserved_concurrency: int = 0,
        provisioned_concurrency: int = 0,
        snap_start: bool = False,
        retention_days: int = 0,
        trusted_proxies: int = 0,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("epoch:components:EpochFunction", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.log_group = aws.cloudwatch.LogGroup(
            name, retention_in_days=log_retention_days, opts=child
        )
        role = roles.assumed_by("lambda", name, child)
        table_arns = pulumi.Output.all(**{key: table.arn for key, table in tables.items()})
        policy = aws.iam.RolePolicy(
            name,
            role=role.name,
            policy=pulumi.Output.all(table_arns, self.log_group.arn).apply(
                lambda known: _policy(endpoints, known[0], known[1])
            ),
            opts=child,
        )
        self.function = aws.lambda_.Function(
            name,
            role=role.arn,
            runtime=f"python{bundle.PYTHON_VERSION}",
            architectures=["arm64"],
            handler="function.main.handler",
            code=bundle.archive(),
            memory_size=memory_mb,
            timeout=timeout_s,
            publish=True,
            reserved_concurrent_executions=reserved_concurrency or None,
            snap_start={"apply_on": "PublishedVersions"} if snap_start else None,
            environment={
                "variables": {
                    **{table.declared.environment: table.name for table in tables.values()},
                    "RETENTION_DAYS": str(retention_days),
                    "TRUSTED_PROXIES": str(trusted_proxies),
                }
            },
            tracing_config={"mode": "Active"},
            logging_config={
                "log_format": "JSON",
                "log_group": self.log_group.name,
                "application_log_level": "INFO",
                "system_log_level": "INFO",
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.alias = aws.lambda_.Alias(
            name,
            name="live",
            function_name=self.function.name,
            function_version=self.function.version,
            opts=child,
        )
        if provisioned_concurrency:
            aws.lambda_.ProvisionedConcurrencyConfig(
                name,
                function_name=self.function.name,
                qualifier=self.alias.name,
                provisioned_concurrent_executions=provisioned_concurrency,
                opts=child,
            )
        self.name = self.function.name
        self.register_outputs({"name": self.name, "alias_arn": self.alias.arn})
