"""EpochApi: the REST API, which is one OpenAPI document, with its stage."""

import json
import re
from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from components.api_gateway_account import EpochApiGatewayAccount
from components.function import EpochFunction
from function.declare.endpoint import Endpoint
from openapi import gateway
from openapi.document import Document

# TLS 1.2 or newer with forward secrecy, and only under the API's own host name.
SECURITY_POLICY = "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09"
ACCESS_MODE = "STRICT"

# A line joins the function's by lambdaRequestId, the trace by traceId, a client's report by
# requestId, which a client may choose, unlike extendedRequestId. It holds no address: the table
# does, and only it.
_ACCESS_LOG = {
    "requestId": "$context.requestId",
    "extendedRequestId": "$context.extendedRequestId",
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
    """A regional REST API, which is one OpenAPI document, and the stage that serves it.

    The document routes every endpoint to the function's alias. It is imported whole, in place and
    before the deployment, so that one update adds, changes and removes routes. Calls are traced,
    counted by route, throttled over all callers together (`rate_limit` in calls per second,
    `burst_limit` in calls at once), and logged as JSON in `access_log`; for that `account` must
    come first where this stack owns the region's account settings. `document` is the fingerprint
    of what the stage serves, which it tells in the header X-Api-Document-Hash of its 404.
    """

    def __init__(
        self,
        name: str,
        *,
        api_name: str,
        description: str,
        stage_name: str,
        document: Document,
        endpoints: Sequence[Endpoint[Any]],
        function: EpochFunction,
        rate_limit: float,
        burst_limit: int,
        log_retention_days: int,
        account: EpochApiGatewayAccount | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("epoch:components:EpochApi", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        imported = function.alias.invoke_arn.apply(
            lambda invoke_arn: gateway.to_api_gateway(
                document,
                endpoints,
                gateway.ImportSettings(
                    name=api_name,
                    description=description,
                    invoke_arn=invoke_arn,
                    security_policy=SECURITY_POLICY,
                    endpoint_access_mode=ACCESS_MODE,
                ),
            )
        )
        body = imported.apply(gateway.text)
        self.document = imported.apply(gateway.fingerprint_of)
        # What the document says of the API, too, is given here as well: the provider puts back
        # what it finds in its state.
        self.api = aws.apigateway.RestApi(
            name,
            name=api_name,
            description=description,
            api_key_source="HEADER",
            endpoint_configuration={"types": "REGIONAL"},
            security_policy=SECURITY_POLICY,
            endpoint_access_mode=ACCESS_MODE,
            body=body,
            put_rest_api_mode="overwrite",
            fail_on_warnings=True,
            opts=child,
        )
        permission = aws.lambda_.Permission(
            name,
            action="lambda:InvokeFunction",
            function=function.name,
            qualifier=function.alias.name,
            principal="apigateway.amazonaws.com",
            # One for all routes: some fifty would fill a function's policy, which takes 20 KB.
            source_arn=pulumi.Output.format("{0}/{1}/*", self.api.execution_arn, stage_name),
            opts=child,
        )
        deployment = aws.apigateway.Deployment(
            name,
            rest_api=self.api.id,
            triggers={"document": self.document},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission]),
        )
        # Named after the deployment, which is another each time: where an update stops halfway, the
        # one that takes it back meets a version of the document that it goes back to.
        version = aws.apigateway.DocumentationVersion(
            name, rest_api_id=self.api.id, version=deployment.id, opts=child
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
            documentation_version=version.version,
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
            settings={
                "metrics_enabled": True,
                # Execution logs would hold headers and bodies, in a group that nothing deletes.
                "logging_level": "OFF",
                "throttling_rate_limit": rate_limit,
                "throttling_burst_limit": burst_limit,
            },
            opts=child,
        )
        self.url = self.stage.invoke_url
        self.register_outputs({"url": self.url})


def slug(text: str) -> str:
    """Return a text as part of a resource name: `get-epoch-by` for `GET /epoch/{key}`.

    The parameter's name is left out, so that another name is an update and no replacement.
    """
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"\{[^}]*\}", " by ", text.lower())).strip("-")
