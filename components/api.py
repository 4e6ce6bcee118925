"""EpochApi: a REST API from one OpenAPI document, with its stage."""

import json
import re
from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from components import limits
from components.api_gateway_account import EpochApiGatewayAccount
from components.authorizer import EpochAuthorizer
from components.component import EpochComponent
from components.errors import ConfigError
from components.function import EpochFunction
from components.metrics import Source
from function.declare.auth import in_stack
from function.declare.checks import declaration_errors
from openapi import gateway
from openapi.document import Document

# For callers with an IPv4 or an IPv6 address.
ENDPOINT: aws.apigateway.RestApiEndpointConfigurationArgsDict = {
    "types": "REGIONAL",
    "ip_address_type": "dualstack",
}

# lambdaRequestId joins a line to the function's log, traceId to the trace, and apiRequestId to a
# client's report. A client can choose apiRequestId, but not extendedRequestId. No field holds the
# caller's address, since only the table may.
_ACCESS_LOG = {
    "apiRequestId": "$context.requestId",
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


class EpochApi(EpochComponent):
    """A regional REST API, which one OpenAPI document defines, and the stage that serves it.

    `document` describes the endpoints of the function, and routes them to its alias. Pulumi imports
    it as a whole before the deployment, so one update adds, changes and removes routes. A change of
    `import_again` imports and deploys the same document again. `document_hash` identifies the
    served document; a 404 has it in the header X-Api-Document-Hash.

    The stage traces calls, counts them by route, and logs them as JSON in `access_log`. It
    throttles all callers together: `rate_limit` calls per second, `burst_limit` at once. The stage
    waits for `account`, the region's API Gateway settings, where the same stack declares them.
    `stage_variables` are those of EpochApiKeys. `disable_default_endpoint` leaves only the custom
    domain names. `authorizer` verifies the callers of endpoints with a Jwt or CustomAuth. Raises
    ConfigError for an issuer or a user pool of a wrong form.
    """

    def __init__(
        self,
        name: str,
        *,
        api_name: pulumi.Input[str],
        description: pulumi.Input[str],
        stage_name: pulumi.Input[str],
        document: Document,
        function: EpochFunction,
        authorizer: EpochAuthorizer | None = None,
        rate_limit: pulumi.Input[float],
        burst_limit: pulumi.Input[int],
        log_retention_days: pulumi.Input[int] = 30,
        disable_default_endpoint: pulumi.Input[bool] | None = None,
        import_again: bool = False,
        stage_variables: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        account: EpochApiGatewayAccount | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        endpoints, settings = function.endpoints, function.bindings.settings
        for endpoint in endpoints:
            for error in declaration_errors(in_stack(endpoint.auth, settings)):
                raise ConfigError(f"{endpoint.route}: auth: {error}")
        super().__init__(name, opts)
        known = pulumi.Output.all(
            name=api_name,
            description=description,
            invoke_arn=function.alias.invoke_arn,
            authorizer_arn=authorizer.alias.invoke_arn if authorizer else "",
        )
        imported = known.apply(
            lambda values: gateway.to_api_gateway(
                document, endpoints, gateway.ImportSettings(**values, settings=settings)
            )
        )
        body = imported.apply(_checked_text)
        resources = len({parent for endpoint in endpoints for parent in _paths_to(endpoint.path)})
        limits.check_quota(
            f"API {name} has {resources} resources, one for each part of a path",
            resources,
            "Resources per API",
            limits.API_RESOURCES,
            "split the API",
        )
        self.document_hash = imported.apply(gateway.fingerprint_of)
        self.endpoints, self.function, self.authorizer = endpoints, function, authorizer
        compressed = gateway.minimum_compression_size(endpoints)
        # These properties repeat the document, since the provider resets properties of the API to
        # the values in its state.
        self.api = aws.apigateway.RestApi(
            name,
            name=api_name,
            description=description,
            api_key_source="HEADER",
            endpoint_configuration=ENDPOINT,
            disable_execute_api_endpoint=disable_default_endpoint,
            binary_media_types=gateway.binary_media_types(endpoints) or None,
            minimum_compression_size=None if compressed is None else str(compressed),
            security_policy=gateway.SECURITY_POLICY,
            endpoint_access_mode=gateway.ACCESS_MODE,
            body=body,
            put_rest_api_mode="overwrite",
            # The provider imports the document if it or the parameters change. This value is API
            # Gateway's default, so only the change has an effect.
            parameters={"basepath": "ignore"} if import_again else None,
            fail_on_warnings=True,
            opts=self.child(),
        )
        # One permission for all routes: about fifty would fill the function's policy of 20 KB.
        calls = pulumi.Output.concat(self.api.execution_arn, "/", stage_name, "/*")
        permissions = [function.permit(name, "apigateway", calls, self.child())]
        if authorizer:
            calls = pulumi.Output.concat(self.api.execution_arn, "/authorizers/*")
            permitted = authorizer.permit(f"{name}-authorizer", "apigateway", calls, self.child())
            permissions.append(permitted)
        imported_again = {"imported": "again"} if import_again else {}
        deployment = aws.apigateway.Deployment(
            name,
            rest_api=self.api.id,
            triggers=imported_again | {"document": self.document_hash},
            opts=self.child(depends_on=permissions),
        )
        # The deployment's id names the version, so that reverting an interrupted update finds the
        # version to which it returns.
        version = aws.apigateway.DocumentationVersion(
            name, rest_api_id=self.api.id, version=deployment.id, opts=self.child()
        )
        self.access_log = aws.cloudwatch.LogGroup(
            name, retention_in_days=log_retention_days, opts=self.child()
        )
        self.stage = aws.apigateway.Stage(
            name,
            rest_api=self.api.id,
            deployment=deployment.id,
            stage_name=stage_name,
            xray_tracing_enabled=True,
            documentation_version=version.version,
            variables=stage_variables,
            access_log_settings={
                "destination_arn": self.access_log.arn,
                "format": json.dumps(_ACCESS_LOG),
            },
            opts=self.child(depends_on=[account] if account else None),
        )
        aws.apigateway.MethodSettings(
            name,
            rest_api=self.api.id,
            stage_name=self.stage.stage_name,
            method_path="*/*",
            settings={
                "metrics_enabled": True,
                # Execution logs would hold headers and bodies, in a log group without retention.
                "logging_level": "OFF",
                "throttling_rate_limit": rate_limit,
                "throttling_burst_limit": burst_limit,
            },
            opts=self.child(),
        )
        # No outputs, so the alarms need not wait for the API.
        self.metrics = Source("AWS/ApiGateway", {"ApiName": api_name, "Stage": stage_name})
        self.url = self.stage.invoke_url


def _paths_to(path: str) -> list[str]:
    """Return the paths from the root to a path, each a resource of API Gateway."""
    parts = path.strip("/").split("/")
    return ["/".join(parts[:end]) for end in range(len(parts) + 1)]


def _checked_text(document: Document) -> str:
    """Return a document as text. Raises ConfigError if it is too long for an import."""
    sizes = {path: len(gateway.text(of_path)) for path, of_path in document["paths"].items()}
    rest = {key: value for key, value in document.items() if key != "paths"}
    sizes["schemas, responses and documentation"] = len(gateway.text(rest))
    way_out = "Share schemas between endpoints, or split the API"
    limits.check("the API document", sizes, limits.DOCUMENT_SIZE, "bytes", way_out)
    return gateway.text(document)


def slug(text: str) -> str:
    """Return a text as part of a resource name: `get-epoch-by` for `GET /epoch/{key}`.

    The result omits the parameter's name, so renaming a parameter replaces no resource.
    """
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"\{[^}]*\}", " by ", text.lower())).strip("-")
