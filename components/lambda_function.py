"""What every component that runs code is made of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.iam import policies
from components.iam.roles import RoleFactory
from components.packaging import archive, bytecode
from components.queue import EpochQueue
from components.secret import EpochSecret
from components.table import EpochTable
from function.declare.permission import Permission


@dataclass(frozen=True, kw_only=True)
class Bindings:
    """What functions use: tables, queues and secrets by the names of their declarations, and the
    texts of the other settings by variable."""

    tables: Mapping[str, EpochTable]
    queues: Mapping[str, EpochQueue]
    settings: Mapping[str, str]
    secrets: Mapping[str, EpochSecret]

    @property
    def environment(self) -> dict[str, pulumi.Input[str]]:
        """The variables that tell a function where they are."""
        return {
            **{table.declared.env_var: table.name for table in self.tables.values()},
            **{queue.declared.env_var: queue.url for queue in self.queues.values()},
            **{secret.declared.env_var: secret.arn for secret in self.secrets.values()},
            **self.settings,
        }

    def statements(self, access: Iterable[Permission]) -> pulumi.Output[list[policies.Statement]]:
        """Return the statements that allow what is declared, and to read the secrets."""
        known = pulumi.Output.all(
            tables=pulumi.Output.all(**{key: table.arn for key, table in self.tables.items()}),
            queues=pulumi.Output.all(**{key: queue.arn for key, queue in self.queues.items()}),
            secrets=pulumi.Output.all(*(secret.arn for secret in self.secrets.values())),
        )
        return known.apply(
            lambda arns: [
                *policies.resource_statements(
                    access, arns["tables"], arns["queues"], self.settings
                ),
                *policies.secret_statements(arns["secrets"]),
            ]
        )


class LambdaFunction:
    """The parts of a component that runs code: function, role, policy, log group and alias.

    The role is allowed exactly what `permissions` declares and `extra_statements` hold. `memory_mb` and
    `timeout_s` are Lambda's settings; `log_retention_days` one of CloudWatch Logs' periods;
    `reserved_concurrency` a number of concurrent executions, 0 for none.
    """

    def __init__(
        self,
        name: str,
        *,
        parent: pulumi.Resource,
        handler: str,
        permissions: Sequence[Permission],
        bindings: Bindings,
        environment: Mapping[str, str],
        memory_mb: int,
        timeout_s: int,
        log_retention_days: int,
        roles: RoleFactory,
        extra_statements: Sequence[pulumi.Input[policies.Statement]] = (),
        reserved_concurrency: int = 0,
        snap_start: bool = False,
    ) -> None:
        child = pulumi.ResourceOptions(parent=parent)
        if roles.permissions_boundary:
            policies.check_boundary(permissions, bindings.settings, roles.permissions_boundary)
        self.log_group = aws.cloudwatch.LogGroup(
            name, retention_in_days=log_retention_days, opts=child
        )
        role = roles.create("lambda", name, child)
        allowed = pulumi.Output.all(
            bindings.statements(permissions), self.log_group.arn, *extra_statements
        )
        policy = aws.iam.RolePolicy(
            name,
            role=role.name,
            policy=allowed.apply(
                lambda known: policies.policy_document(
                    [*known[0], *policies.telemetry_statements(known[1]), *known[2:]]
                )
            ),
            opts=child,
        )
        function = aws.lambda_.Function(
            name,
            role=role.arn,
            runtime=f"python{bytecode.PYTHON_VERSION}",
            architectures=["arm64"],
            handler=handler,
            code=archive.archive(),
            memory_size=memory_mb,
            timeout=timeout_s,
            publish=True,
            reserved_concurrent_executions=reserved_concurrency or None,
            snap_start={"apply_on": "PublishedVersions"} if snap_start else None,
            environment={"variables": {**bindings.environment, **environment}},
            tracing_config={"mode": "Active"},
            logging_config={
                "log_format": "JSON",
                "log_group": self.log_group.name,
                "application_log_level": "INFO",
                "system_log_level": "INFO",
            },
            opts=pulumi.ResourceOptions(parent=parent, depends_on=[policy]),
        )
        self.alias = aws.lambda_.Alias(
            name,
            name="live",
            function_name=function.name,
            function_version=function.version,
            opts=child,
        )
        self.name = function.name
