"""EpochFunction: the Lambda function, its role, its log group and its alias."""

import json
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from components import bundle
from components.table import EpochTable
from function.contract import Endpoint
from function.tables import TABLES

_ASSUME_ROLE = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def _policy(endpoints: Sequence[Endpoint], table_arns: Mapping[str, str], log_group: str) -> str:
    actions: dict[str, set[str]] = {}
    for endpoint in endpoints:
        for access in endpoint.access:
            actions.setdefault(access.table, set()).update(access.actions)
    statements = [
        {"Effect": "Allow", "Action": sorted(names), "Resource": table_arns[table]}
        for table, names in sorted(actions.items())
    ]
    statements.append(
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": f"{log_group}:*",
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
    Logs' periods. `retention_days` (0: for ever) and `trusted_proxies` reach the function as its
    environment.
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
        retention_days: int,
        trusted_proxies: int,
        tags: dict[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("epoch:components:EpochFunction", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.log_group = aws.cloudwatch.LogGroup(
            name, retention_in_days=log_retention_days, tags=tags, opts=child
        )
        role = aws.iam.Role(
            name, assume_role_policy=json.dumps(_ASSUME_ROLE), tags=tags, opts=child
        )
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
            environment={
                "variables": {
                    **{TABLES[key].environment: table.name for key, table in tables.items()},
                    "RETENTION_DAYS": str(retention_days),
                    "TRUSTED_PROXIES": str(trusted_proxies),
                }
            },
            tracing_config={"mode": "Active"},
            logging_config={"log_format": "JSON", "log_group": self.log_group.name},
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.alias = aws.lambda_.Alias(
            name,
            name="live",
            function_name=self.function.name,
            function_version=self.function.version,
            opts=child,
        )
        self.name = self.function.name
        self.register_outputs({"name": self.name, "alias_arn": self.alias.arn})
