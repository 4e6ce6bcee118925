"""EpochFunction: the function that answers the API's requests."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.iam.roles import RoleFactory
from components.lambda_function import Bindings, LambdaFunction
from function.declare.endpoint import Endpoint


class EpochFunction(pulumi.ComponentResource):
    """The function of all endpoints, allowed exactly what they declare.

    `reserved_concurrency` and `provisioned_concurrency` are numbers of concurrent executions, 0
    for none. `trusted_proxy_count` reach the function as its environment.
    """

    def __init__(
        self,
        name: str,
        *,
        endpoints: Sequence[Endpoint],
        bindings: Bindings,
        memory_mb: int,
        timeout_s: int,
        log_retention_days: int,
        roles: RoleFactory,
        reserved_concurrency: int = 0,
        provisioned_concurrency: int = 0,
        snap_start: bool = False,
        trusted_proxy_count: int = 0,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("epoch:components:EpochFunction", name, None, opts)
        compute = LambdaFunction(
            name,
            parent=self,
            handler="function.runtime.api_handler.handler",
            permissions=[access for endpoint in endpoints for access in endpoint.permissions],
            bindings=bindings,
            environment={
                "TRUSTED_PROXY_COUNT": str(trusted_proxy_count),
            },
            memory_mb=memory_mb,
            timeout_s=timeout_s,
            log_retention_days=log_retention_days,
            roles=roles,
            reserved_concurrency=reserved_concurrency,
            snap_start=snap_start,
        )
        self.log_group, self.alias, self.name = (
            compute.log_group,
            compute.alias,
            compute.name,
        )
        if provisioned_concurrency:
            aws.lambda_.ProvisionedConcurrencyConfig(
                name,
                function_name=self.name,
                qualifier=self.alias.name,
                provisioned_concurrent_executions=provisioned_concurrency,
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({"name": self.name, "alias_arn": self.alias.arn})
