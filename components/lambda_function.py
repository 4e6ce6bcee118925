"""LambdaFunction: the resources that every component with code has in common."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Required, TypedDict

import pulumi
import pulumi_aws as aws

from components import limits
from components.bindings import Bindings
from components.component import EpochComponent
from components.iam import policies
from components.iam.roles import RoleFactory
from components.metrics import Source
from components.packaging.interpreter import PYTHON_VERSION
from function.declare.permission import Permission


class FunctionSettings(TypedDict, total=False):
    """The settings that the functions of APIs and of jobs have in common.

    `code` is a Lambda bundle and `handler` a function in it. `metric_namespace` is CloudWatch's
    namespace of the metrics that the function writes. `memory_mb` is from 128 to 10,240.
    `log_retention_days` is one of CloudWatch Logs' periods. `reserved_concurrency` is a number of
    concurrent executions, or None. With `vpc_subnets` and `vpc_security_groups`, ids of one VPC,
    the function runs in private subnets. With `gradual`, Pulumi leaves the alias on its version, so
    that the pipeline can shift it.
    """

    code: Required[pulumi.Input[pulumi.Archive]]
    bindings: Required[Bindings]
    roles: Required[RoleFactory]
    metric_namespace: Required[str]
    handler: str
    memory_mb: pulumi.Input[int]
    log_retention_days: pulumi.Input[int]
    reserved_concurrency: pulumi.Input[int] | None
    snap_start: bool
    vpc_subnets: Sequence[pulumi.Input[str]]
    vpc_security_groups: Sequence[pulumi.Input[str]]
    gradual: bool


def _fitting(function: str, variables: dict[str, str]) -> dict[str, str]:
    """Return the variables of a function. Raises ConfigError if they are too long for Lambda."""
    limits.check(
        f"the environment of function {function}",
        {name: len(f"{name}{value}".encode()) for name, value in variables.items()},
        limits.ENVIRONMENT_SIZE,
        "bytes",
        "Shorten the values of settings, or store long ones in a table or a secret",
    )
    return variables


class LambdaFunction(EpochComponent):
    """A function with its role, policy, log group and `live` alias.

    The role's policy holds `permissions`, `extra_statements` for the `source` of a job, logs and
    traces, and nothing else. Other rights make another policy, which Pulumi creates before it
    updates the function. The former one stays for a rollback. A version's description names its
    policy, so `make prune-versions` deletes those of deleted versions. `version` is the published
    version, as `name:number`.
    """

    bindings: Bindings

    def _create(
        self,
        name: str,
        settings: FunctionSettings,
        *,
        permissions: Sequence[Permission],
        timeout_s: int,
        default_handler: str,
        variables: Mapping[str, str] | None = None,
        source: str = "",
        extra_statements: Sequence[pulumi.Input[policies.Statement]] = (),
    ) -> None:
        """Declare the resources. Raises ConfigError for a permission outside the boundary.

        `timeout_s` is up to 900. `variables` add to the function's environment.
        """
        self.bindings = bindings = settings["bindings"]
        self.metric_namespace, roles = settings["metric_namespace"], settings["roles"]
        permissions = sorted(permissions, key=repr)
        if roles.permissions_boundary:
            topics = {key: topic.declared for key, topic in bindings.topics.items()}
            policies.check_boundary(
                permissions, bindings.settings, topics, roles.permissions_boundary
            )
        self.log_group = aws.cloudwatch.LogGroup(
            name, retention_in_days=settings.get("log_retention_days", 30), opts=self.child()
        )
        role = roles.create("lambda", name, self.child())
        statements = pulumi.Output.all(
            bindings.statements(permissions), self.log_group.arn, *extra_statements
        )
        subnets, groups = settings.get("vpc_subnets"), settings.get("vpc_security_groups")
        vpc: Any = {"subnet_ids": subnets, "security_group_ids": groups} if subnets else None
        network = policies.network_statements() if vpc else []
        rights = repr([source, *map(repr, permissions), *network])
        rights_name = f"{name}-{hashlib.sha256(rights.encode()).hexdigest()[:8]}"
        policy = aws.iam.RolePolicy(
            rights_name,
            name=rights_name,
            role=role.name,
            policy=statements.apply(
                lambda known: policies.role_document(
                    name,
                    [*known[0], *policies.telemetry_statements(known[1]), *known[2:], *network],
                )
            ),
            opts=self.child(retain_on_delete=True),
        )
        environment = pulumi.Output.all(
            **bindings.environment(permissions),
            **{"METRIC_NAMESPACE": self.metric_namespace, **(variables or {})},
        )
        function = aws.lambda_.Function(
            name,
            description=f"Rights: {rights_name}",  # tools/release/prune_versions.py reads it
            role=role.arn,
            runtime=f"python{PYTHON_VERSION}",
            architectures=["arm64"],
            handler=settings.get("handler", default_handler),
            code=settings["code"],
            memory_size=settings.get("memory_mb", 512),
            timeout=timeout_s,
            publish=True,
            reserved_concurrent_executions=settings.get("reserved_concurrency"),
            snap_start={"apply_on": "PublishedVersions"} if settings.get("snap_start") else None,
            # Without variables, Output.all gives an empty list.
            environment={"variables": environment.apply(lambda known: _fitting(name, dict(known)))},
            tracing_config={"mode": "Active"},
            vpc_config=vpc,
            logging_config={
                "log_format": "JSON",
                "log_group": self.log_group.name,
                "application_log_level": "INFO",
                "system_log_level": "INFO",
            },
            opts=self.child(depends_on=[policy]),
        )
        shifted = ["functionVersion", "routingConfig"] if settings.get("gradual") else None
        self.alias = aws.lambda_.Alias(
            name,
            name="live",
            function_name=function.name,
            function_version=function.version,
            opts=self.child(ignore_changes=shifted),
        )
        self.name = function.name
        self.metrics = Source("AWS/Lambda", {"FunctionName": self.name})
        self.version = pulumi.Output.concat(function.name, ":", function.version)

    def permit(
        self,
        name: str,
        service: str,
        source_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions,
        **more: Any,
    ) -> aws.lambda_.Permission:
        """Permit an AWS service to invoke the alias for a source, and for no other one."""
        return aws.lambda_.Permission(
            name,
            action="lambda:InvokeFunction",
            function=self.name,
            qualifier=self.alias.name,
            principal=f"{service}.amazonaws.com",
            source_arn=source_arn,
            opts=opts,
            **more,
        )
