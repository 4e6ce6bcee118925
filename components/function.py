"""EpochFunction: the Lambda function that serves an API."""

from collections.abc import Sequence
from typing import Any, Unpack

import pulumi
import pulumi_aws as aws

from components.errors import ConfigError
from components.lambda_function import FunctionSettings, LambdaFunction
from function.declare.endpoint import Endpoint
from function.declare.permission import longest_call_s


class EpochFunction(LambdaFunction):
    """The function of all endpoints of an API, with exactly the permissions that they declare.

    `trusted_proxy_count` is the number of proxies that append to X-Forwarded-For.
    `provisioned_concurrency` is a number of warm execution environments, or None. Raises
    ConfigError for a `timeout_s` that ends before a call to AWS must.
    """

    def __init__(
        self,
        name: str,
        *,
        endpoints: Sequence[Endpoint[Any]],
        timeout_s: int = 10,
        trusted_proxy_count: int = 0,
        provisioned_concurrency: pulumi.Input[int] | None = None,
        opts: pulumi.ResourceOptions | None = None,
        **settings: Unpack[FunctionSettings],
    ) -> None:
        for endpoint in endpoints:
            if timeout_s <= (deadline_s := longest_call_s(endpoint.permissions)):
                raise ConfigError(
                    f"{endpoint.route}: a call may take {deadline_s:g} s by its permissions; set "
                    f"timeout_s (now {timeout_s}) above that, or lower the permission's timeout_s"
                )
        super().__init__(name, opts)
        self.endpoints, self.timeout_s = endpoints, timeout_s
        self._create(
            name,
            settings,
            permissions=[one for endpoint in endpoints for one in endpoint.permissions],
            timeout_s=timeout_s,
            default_handler="function.runtime.api_handler.handler",
            variables={"TRUSTED_PROXY_COUNT": str(trusted_proxy_count)},
        )
        if provisioned_concurrency is not None:
            aws.lambda_.ProvisionedConcurrencyConfig(
                name,
                function_name=self.name,
                qualifier=self.alias.name,
                provisioned_concurrent_executions=provisioned_concurrency,
                opts=self.child(),
            )
