"""EpochApi: the REST API with its routes, stage, key and usage plan."""

import json
from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components import documentation
from components.account import EpochAccount
from components.function import EpochFunction
from components.routes import Routes
from function.contract import Endpoint

# TLS 1.2 or newer with forward secrecy, and only under the API's own host name.
SECURITY_POLICY = "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09"
ACCESS_MODE = "STRICT"

# A line joins the function's by lambdaRequestId, the trace by traceId, a client's report by
# requestId. It holds no address: the table does, and only it.
_ACCESS_LOG = {
    "requestId": "$context.requestId",
    "lambdaRequestId": "$context.integration.requestId",
    "traceId": "$context.xrayTraceId",
    "time": "$context.requestTimeEpoch",
    "apiId": "$context.apiId",
    "stage": "$context.stage",
    "route": "$context.httpMethod $context.resourcePath",
    "status": "$context.status",
    "error": "$context.error.responseType",
    "apiKeyId": "$context.identity.apiKeyId",
    "latencyMs": "$context.responseLatency",
    "integrationLatencyMs": "$context.integration.latency",
    "responseBytes": "$context.responseLength",
    "tlsVersion": "$context.tlsVersion",
    "userAgent": "$context.identity.userAgent",
}


class EpochApi(pulumi.ComponentResource):
    """A regional REST API that routes every endpoint to the function's alias.

    Every method needs an API key. Calls are traced, counted by route, and logged as JSON in
    `access_log`; for that `account` must come first where this stack owns the region's account
    settings.
    """

    def __init__(
        self,
        name: str,
        *,
        stage_name: str,
        endpoints: Sequence[Endpoint],
        function: EpochFunction,
        log_retention_days: int,
        publish_documentation: bool,
        account: EpochAccount | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("epoch:components:EpochApi", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.api = aws.apigateway.RestApi(
            name,
            endpoint_configuration={"types": "REGIONAL"},
            security_policy=SECURITY_POLICY,
            endpoint_access_mode=ACCESS_MODE,
            opts=child,
        )
        routes = Routes(
            name,
            api=self.api,
            function=function,
            stage_name=stage_name,
            endpoints=endpoints,
            parent=self,
        )
        deployment = aws.apigateway.Deployment(
            name,
            rest_api=self.api.id,
            triggers={
                "routes": routes.trigger,
                "function": function.alias.invoke_arn,
                "security": f"{SECURITY_POLICY} {ACCESS_MODE}",
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=routes.resources),
        )
        self.access_log = aws.cloudwatch.LogGroup(
            name, retention_in_days=log_retention_days, opts=child
        )
        self.stage = aws.apigateway.Stage(
            name,
            rest_api=self.api.id,
            deployment=deployment.id,
            stage_name=stage_name,
            xray_tracing_enabled=True,
            documentation_version=documentation.publish(
                name,
                api=self.api,
                endpoints=endpoints,
                published=publish_documentation,
                parent=self,
            ),
            access_log_settings={
                "destination_arn": self.access_log.arn,
                "format": json.dumps(_ACCESS_LOG),
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[account] if account else None),
        )
        aws.apigateway.MethodSettings(
            name,
            rest_api=self.api.id,
            stage_name=self.stage.stage_name,
            method_path="*/*",
            # Execution logs would hold headers and bodies, in a log group that nothing deletes.
            settings={"metrics_enabled": True, "logging_level": "OFF"},
            opts=child,
        )
        self.url = self.stage.invoke_url
        self.register_outputs({"url": self.url})
