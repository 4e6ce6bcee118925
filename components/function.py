"""EpochFunction: the Lambda function that serves an API."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from components.iam.roles import RoleFactory
from components.lambda_function import Bindings, LambdaFunction
from components.program_errors import ConfigError
from function.declare.endpoint import Endpoint
from function.declare.permission import longest_call_s


class EpochFunction(pulumi.ComponentResource):
    """The function of all endpoints of an API, with exactly the permissions that they declare.

    `code` is a Lambda bundle and `handler` a function in it. `reserved_concurrency` and
    `provisioned_concurrency` are numbers of concurrent executions, or None. Raises ConfigError for
    a `timeout_s` that ends before a call to AWS must.
    """

    alias: aws.lambda_.Alias
    log_group: aws.cloudwatch.LogGroup
    name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        code: pulumi.Input[pulumi.Archive],
        endpoints: Sequence[Endpoint[Any]],
        bindings: Bindings,
        roles: RoleFactory,
        handler: str = "function.runtime.api_handler.handler",
        environment: Mapping[str, pulumi.Input[str]] | None = None,
        memory_mb: pulumi.Input[int] = 512,
        timeout_s: int = 10,
        log_retention_days: pulumi.Input[int] = 30,
        reserved_concurrency: pulumi.Input[int] | None = None,
        provisioned_concurrency: pulumi.Input[int] | None = None,
        snap_start: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        for endpoint in endpoints:
            if timeout_s <= (deadline_s := longest_call_s(endpoint.permissions)):
                raise ConfigError(
                    f"{endpoint.route}: a call may take {deadline_s:g} s by its permissions; set "
                    f"timeout_s (now {timeout_s}) above that, or lower the permission's timeout_s"
                )
        super().__init__("epoch:components:EpochFunction", name, None, opts)
        parts = LambdaFunction(
            name,
            parent=self,
            code=code,
            handler=handler,
            permissions=[one for endpoint in endpoints for one in endpoint.permissions],
            bindings=bindings,
            environment=environment or {},
            memory_mb=memory_mb,
            timeout_s=timeout_s,
            log_retention_days=log_retention_days,
            roles=roles,
            reserved_concurrency=reserved_concurrency,
            snap_start=snap_start,
        )
        self.log_group, self.alias, self.name = parts.log_group, parts.alias, parts.name
        self.timeout_s = timeout_s
        if provisioned_concurrency is not None:
            aws.lambda_.ProvisionedConcurrencyConfig(
                name,
                function_name=self.name,
                qualifier=self.alias.name,
                provisioned_concurrent_executions=provisioned_concurrency,
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({"name": self.name, "alias_arn": self.alias.arn})
