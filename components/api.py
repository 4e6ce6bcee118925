"""EpochApi: the REST API with its routes, stage, key and usage plan."""

import hashlib
import json
import re
from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.account import EpochAccount
from components.function import EpochFunction
from function.contract import PROBLEM, Endpoint, Schema

SECURITY_POLICY = "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09"

# API Gateway's own answers: response type, status, title, detail. A call to an unknown route is
# MISSING_AUTHENTICATION_TOKEN there, since no route here signs its requests.
_ANSWERS = (
    ("ACCESS_DENIED", 403, "Forbidden", "The call is not allowed."),
    ("BAD_REQUEST_BODY", 400, "Bad Request", "The body is not valid."),
    ("BAD_REQUEST_PARAMETERS", 400, "Bad Request", "A required parameter is missing."),
    ("INTEGRATION_FAILURE", 504, "Gateway Timeout", "The service did not answer."),
    ("INTEGRATION_TIMEOUT", 504, "Gateway Timeout", "The service did not answer in time."),
    ("INVALID_API_KEY", 403, "Forbidden", "The header x-api-key holds no valid API key."),
    ("MISSING_AUTHENTICATION_TOKEN", 404, "Not Found", "There is no such route."),
    ("QUOTA_EXCEEDED", 429, "Too Many Requests", "The API key's quota is used up."),
    ("REQUEST_TOO_LARGE", 413, "Content Too Large", "The request is larger than 10 MB."),
    ("RESOURCE_NOT_FOUND", 404, "Not Found", "There is no such route."),
    ("THROTTLED", 429, "Too Many Requests", "The rate limit is reached. Repeat it later."),
    ("UNSUPPORTED_MEDIA_TYPE", 415, "Unsupported Media Type", "The media type is not taken."),
    ("WAF_FILTERED", 403, "Forbidden", "The call is not allowed."),
    ("DEFAULT_4XX", 400, "Bad Request", "The request cannot be handled."),
    ("DEFAULT_5XX", 500, "Internal Server Error", "The request could not be handled."),
)
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
_PROBLEM_STATUSES = (400, 403, 404, 413, 429, 500, 503, 504)


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
        account: EpochAccount | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("epoch:components:EpochApi", name, None, opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        self._function = function
        self._folders: dict[str, aws.apigateway.Resource] = {}
        self.api = aws.apigateway.RestApi(
            name,
            endpoint_configuration={"types": "REGIONAL"},
            # TLS 1.2 or newer with forward secrecy, and only under the API's own host name.
            security_policy=SECURITY_POLICY,
            endpoint_access_mode="STRICT",
            opts=self._child,
        )
        self._validator = aws.apigateway.RequestValidator(
            name,
            rest_api=self.api.id,
            validate_request_parameters=True,
            validate_request_body=False,  # a body is never read
            opts=self._child,
        )
        self._problem = self._model("Problem", PROBLEM)
        served = [self._gateway_answer(*answer) for answer in _ANSWERS]
        served += [part for endpoint in endpoints for part in self._route(endpoint, stage_name)]
        deployment = aws.apigateway.Deployment(
            name,
            rest_api=self.api.id,
            triggers={
                "routes": _digest(endpoints),
                "function": function.alias.invoke_arn,
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=served),
        )
        self.access_log = aws.cloudwatch.LogGroup(
            name, retention_in_days=log_retention_days, opts=self._child
        )
        self.stage = aws.apigateway.Stage(
            name,
            rest_api=self.api.id,
            deployment=deployment.id,
            stage_name=stage_name,
            xray_tracing_enabled=True,
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
            opts=self._child,
        )
        self.url = self.stage.invoke_url
        self.register_outputs({"url": self.url})

    def _gateway_answer(self, kind: str, status: int, title: str, detail: str) -> pulumi.Resource:
        headers = {"Content-Type": "'application/problem+json'"}
        if status == 429:
            headers["Retry-After"] = "'1'"
        document = {
            "type": "about:blank",
            "title": title,
            "status": status,
            "detail": detail,
            "requestId": "$context.requestId",
        }
        return aws.apigateway.Response(
            f"{self._name}-{slug(kind)}",
            rest_api_id=self.api.id,
            response_type=kind,
            status_code=str(status),
            response_parameters={
                f"gatewayresponse.header.{header}": value for header, value in headers.items()
            },
            response_templates={"application/json": json.dumps(document)},
            opts=self._child,
        )

    def _model(self, name: str, schema: Schema) -> aws.apigateway.Model:
        return aws.apigateway.Model(
            f"{self._name}-{name.lower()}",
            rest_api=self.api.id,
            name=name,
            content_type="application/json",
            schema=json.dumps(schema),
            opts=self._child,
        )

    def _method_responses(
        self, endpoint: Endpoint, resource_id: pulumi.Output[str], method: aws.apigateway.Method
    ) -> list[pulumi.Resource]:
        operation = _operation(endpoint)
        models = {
            status: ("application/json", self._model(f"{operation}{status}", schema))
            for status, schema in endpoint.answers.items()
        } | {status: ("application/problem+json", self._problem) for status in _PROBLEM_STATUSES}
        return [
            aws.apigateway.MethodResponse(
                f"{self._name}-{slug(endpoint.route)}-{status}",
                rest_api=self.api.id,
                resource_id=resource_id,
                http_method=method.http_method,
                status_code=str(status),
                response_models={media_type: model.name},
                opts=self._child,
            )
            for status, (media_type, model) in models.items()
        ]

    def _route(self, endpoint: Endpoint, stage_name: str) -> list[pulumi.Resource]:
        name = f"{self._name}-{slug(endpoint.route)}"
        resource_id = self._folder(endpoint.path).id
        method = aws.apigateway.Method(
            name,
            rest_api=self.api.id,
            resource_id=resource_id,
            http_method=endpoint.method,
            authorization="NONE",
            api_key_required=True,
            operation_name=_operation(endpoint),
            request_parameters=_parameters(endpoint),
            request_validator_id=self._validator.id,
            opts=self._child,
        )
        integration = aws.apigateway.Integration(
            name,
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
            name,
            action="lambda:InvokeFunction",
            function=self._function.name,
            qualifier=self._function.alias.name,
            principal="apigateway.amazonaws.com",
            source_arn=pulumi.Output.format(
                "{0}/{1}/{2}{3}", self.api.execution_arn, stage_name, endpoint.method, path
            ),
            opts=self._child,
        )
        responses = self._method_responses(endpoint, resource_id, method)
        return [method, integration, *responses]

    def _folder(self, path: str) -> aws.apigateway.Resource:
        """Return the API Gateway resource of a path, declaring its parents on the way."""
        if path not in self._folders:
            parent, _, segment = path.rpartition("/")
            self._folders[path] = aws.apigateway.Resource(
                f"{self._name}-{slug(path)}",
                rest_api=self.api.id,
                parent_id=self._folder(parent).id if parent else self.api.root_resource_id,
                path_part=segment,
                opts=self._child,
            )
        return self._folders[path]


def slug(text: str) -> str:
    """Return a text as part of a resource name, for example `post-epoch` for `POST /epoch`."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _operation(endpoint: Endpoint) -> str:
    """Return the operation's name, for example `PostEpoch`; a model's name takes no other."""
    return "".join(word.capitalize() for word in slug(endpoint.route).split("-"))


def _parameters(endpoint: Endpoint) -> dict[str, bool]:
    """Return what the method takes, and whether API Gateway refuses a call without it."""
    return {
        **{f"method.request.path.{name}": True for name in endpoint.path_parameters},
        **{f"method.request.header.{p.name}": p.required for p in endpoint.headers},
        **{f"method.request.querystring.{p.name}": p.required for p in endpoint.query},
    }


def _digest(endpoints: Sequence[Endpoint]) -> str:
    """Return a hash over all that API Gateway serves, in canonical form."""
    routes = [
        {
            "route": endpoint.route,
            "parameters": _parameters(endpoint),
            "answers": {str(status): schema for status, schema in endpoint.answers.items()},
        }
        for endpoint in endpoints
    ]
    served = {"routes": routes, "answers": _ANSWERS, "problem": PROBLEM}
    return hashlib.sha256(json.dumps(served, sort_keys=True).encode()).hexdigest()
