"""EpochApi: the REST API with its routes, stage, key and usage plan."""

import hashlib
import json
import re
from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.function import EpochFunction
from function.contract import Endpoint


class EpochApi(pulumi.ComponentResource):
    """A regional REST API that routes every endpoint to the function's alias.

    Every method needs an API key; `rate_limit` (requests per second), `burst_limit` and
    `quota_per_day` are the usage plan's.
    """

    def __init__(
        self,
        name: str,
        *,
        stage_name: str,
        endpoints: Sequence[Endpoint],
        function: EpochFunction,
        rate_limit: float,
        burst_limit: int,
        quota_per_day: int,
        tags: dict[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("epoch:components:EpochApi", name, None, opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        self._function = function
        self._folders: dict[str, aws.apigateway.Resource] = {}
        self.api = aws.apigateway.RestApi(
            name, endpoint_configuration={"types": "REGIONAL"}, tags=tags, opts=self._child
        )
        served = [part for endpoint in endpoints for part in self._route(endpoint, stage_name)]
        deployment = aws.apigateway.Deployment(
            name,
            rest_api=self.api.id,
            triggers={
                "routes": _digest(endpoints),
                "function": function.alias.invoke_arn,
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=served),
        )
        self.stage = aws.apigateway.Stage(
            name,
            rest_api=self.api.id,
            deployment=deployment.id,
            stage_name=stage_name,
            xray_tracing_enabled=True,
            tags=tags,
            opts=self._child,
        )
        key = aws.apigateway.ApiKey(name, tags=tags, opts=self._child)
        plan = aws.apigateway.UsagePlan(
            name,
            api_stages=[{"api_id": self.api.id, "stage": self.stage.stage_name}],
            throttle_settings={"rate_limit": rate_limit, "burst_limit": burst_limit},
            quota_settings={"limit": quota_per_day, "period": "DAY"},
            tags=tags,
            opts=self._child,
        )
        aws.apigateway.UsagePlanKey(
            name, key_id=key.id, key_type="API_KEY", usage_plan_id=plan.id, opts=self._child
        )
        self.api_key: pulumi.Output[str] = pulumi.Output.secret(key.value)
        self.url = self.stage.invoke_url
        self.register_outputs({"url": self.url, "api_key": self.api_key})

    def _route(self, endpoint: Endpoint, stage_name: str) -> list[pulumi.Resource]:
        slug = _slug(endpoint.route)
        resource_id = self._folder(endpoint.path).id
        method = aws.apigateway.Method(
            f"{self._name}-{slug}",
            rest_api=self.api.id,
            resource_id=resource_id,
            http_method=endpoint.method,
            authorization="NONE",
            api_key_required=True,
            opts=self._child,
        )
        integration = aws.apigateway.Integration(
            f"{self._name}-{slug}",
            rest_api=self.api.id,
            resource_id=resource_id,
            http_method=method.http_method,
            type="AWS_PROXY",
            integration_http_method="POST",
            uri=self._function.alias.invoke_arn,
            opts=self._child,
        )
        path = re.sub(r"\{[^}]+\}", "*", endpoint.path)
        aws.lambda_.Permission(
            f"{self._name}-{slug}",
            action="lambda:InvokeFunction",
            function=self._function.name,
            qualifier=self._function.alias.name,
            principal="apigateway.amazonaws.com",
            source_arn=pulumi.Output.format(
                "{0}/{1}/{2}{3}", self.api.execution_arn, stage_name, endpoint.method, path
            ),
            opts=self._child,
        )
        return [method, integration]

    def _folder(self, path: str) -> aws.apigateway.Resource:
        """Return the API Gateway resource of a path, declaring its parents on the way."""
        if path not in self._folders:
            parent, _, segment = path.rpartition("/")
            self._folders[path] = aws.apigateway.Resource(
                f"{self._name}-{_slug(path)}",
                rest_api=self.api.id,
                parent_id=self._folder(parent).id if parent else self.api.root_resource_id,
                path_part=segment,
                opts=self._child,
            )
        return self._folders[path]


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _digest(endpoints: Sequence[Endpoint]) -> str:
    """Return a hash over all that API Gateway serves, in canonical form."""
    served = [{"method": e.method, "path": e.path, "api_key": True} for e in endpoints]
    return hashlib.sha256(json.dumps(served, sort_keys=True).encode()).hexdigest()
