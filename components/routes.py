"""All that API Gateway serves from a deployment: its own answers, models, and every route."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import pulumi
import pulumi_aws as aws

from components.function import EpochFunction
from function.contract import PROBLEM, Endpoint, Parameter, Schema

R = TypeVar("R", bound=pulumi.Resource)

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

_PROBLEM = "Problem"

RETRY_AFTER = Parameter(name="Retry-After", description="Seconds to wait before a repeat.")

# The problems that every route may answer, and what they carry.
PROBLEMS: Mapping[int, tuple[str, tuple[Parameter, ...]]] = {
    400: ("The request is not valid.", ()),
    403: ("The header x-api-key holds no valid API key.", ()),
    404: ("There is no such route or thing.", ()),
    413: ("The request is larger than 10 MB.", ()),
    429: ("The rate limit or the API key's quota is reached.", (RETRY_AFTER,)),
    500: ("The request could not be handled.", ()),
    503: ("The storage cannot take the request now.", (RETRY_AFTER,)),
    504: ("The service did not answer in time.", ()),
}


class Routes:
    """Declares what is served, as children of the API's component.

    A deployment must wait for `resources` and be made anew when `trigger` changes: that is a hash
    over the inputs of all of them, apart from references to one another.
    """

    def __init__(
        self,
        name: str,
        *,
        api: aws.apigateway.RestApi,
        function: EpochFunction,
        stage_name: str,
        endpoints: Sequence[Endpoint],
        parent: pulumi.Resource,
    ) -> None:
        self._name = name
        self._api = api
        self._function = function
        self._stage_name = stage_name
        self._parent = parent
        self._folders: dict[str, aws.apigateway.Resource] = {}
        self._described: dict[str, Any] = {}
        self.resources: list[pulumi.Resource] = []

        self._validator = self._serve(
            aws.apigateway.RequestValidator,
            "parameters",
            rest_api=api.id,
            validate_request_parameters=True,
            validate_request_body=False,  # a body is never read
        )
        self._problem = self._model(_PROBLEM, PROBLEM)
        for answer in _ANSWERS:
            self._gateway_answer(*answer)
        for path in sorted({endpoint.path for endpoint in endpoints}):
            self._path(path)
        for endpoint in endpoints:
            self._endpoint(endpoint)

    @property
    def trigger(self) -> str:
        """A hash that changes when, and only when, anything served changes."""
        return hashlib.sha256(json.dumps(self._described, sort_keys=True).encode()).hexdigest()

    def _serve(
        self,
        kind: Callable[..., R],
        label: str,
        *,
        depends_on: Sequence[pulumi.Resource] = (),
        **inputs: Any,
    ) -> R:
        self._described[f"{kind.__name__} {label}"] = {
            key: value for key, value in inputs.items() if not isinstance(value, pulumi.Output)
        }
        resource = kind(
            f"{self._name}-{label}",
            **inputs,
            opts=pulumi.ResourceOptions(parent=self._parent, depends_on=list(depends_on)),
        )
        self.resources.append(resource)
        return resource

    def _model(self, name: str, schema: Schema) -> aws.apigateway.Model:
        return self._serve(
            aws.apigateway.Model,
            name.lower(),
            rest_api=self._api.id,
            name=name,
            content_type="application/json",
            schema=json.dumps(schema),
        )

    def _gateway_answer(self, kind: str, status: int, title: str, detail: str) -> None:
        headers = {"Content-Type": "'application/problem+json'"}
        if kind == "THROTTLED":  # a quota lasts for the day
            headers[RETRY_AFTER.name] = "'1'"
        document = {
            "type": "about:blank",
            "title": title,
            "status": status,
            "detail": detail,
            "requestId": "$context.requestId",
        }
        self._serve(
            aws.apigateway.Response,
            slug(kind),
            rest_api_id=self._api.id,
            response_type=kind,
            status_code=str(status),
            response_parameters={
                f"gatewayresponse.header.{header}": value for header, value in headers.items()
            },
            response_templates={"application/json": json.dumps(document)},
        )

    def _path(self, path: str) -> None:
        """Let API Gateway invoke the function for a path, and the function refuse with 405 what
        no endpoint takes; API Gateway itself would say that the path does not exist.

        The method in the permission is the caller's own, so AWS forces a wildcard for ANY.
        """
        self._method(f"any-{slug(path)}", path, "ANY")
        aws.lambda_.Permission(
            f"{self._name}-{slug(path)}",
            action="lambda:InvokeFunction",
            function=self._function.name,
            qualifier=self._function.alias.name,
            principal="apigateway.amazonaws.com",
            source_arn=pulumi.Output.format(
                "{0}/{1}/*{2}",
                self._api.execution_arn,
                self._stage_name,
                re.sub(r"\{[^}]+\}", "*", path),
            ),
            opts=pulumi.ResourceOptions(parent=self._parent),
        )

    def _method(
        self, name: str, path: str, http_method: str, **inputs: Any
    ) -> aws.apigateway.Method:
        """Declare a method that needs an API key, and its integration with the function."""
        method = self._serve(
            aws.apigateway.Method,
            name,
            rest_api=self._api.id,
            resource_id=self._folder(path).id,
            http_method=http_method,
            authorization="NONE",
            api_key_required=True,
            request_validator_id=self._validator.id,
            **inputs,
        )
        self._serve(
            aws.apigateway.Integration,
            name,
            rest_api=self._api.id,
            resource_id=self._folder(path).id,
            http_method=method.http_method,
            type="AWS_PROXY",
            integration_http_method="POST",
            uri=self._function.alias.invoke_arn,
        )
        return method

    def _endpoint(self, endpoint: Endpoint) -> None:
        method = self._method(
            slug(endpoint.route),
            endpoint.path,
            endpoint.method,
            operation_name=endpoint.operation,
            request_parameters={
                **{f"method.request.path.{p.name}": True for p in endpoint.path_parameters},
                **{f"method.request.header.{p.name}": p.required for p in endpoint.headers},
                **{f"method.request.querystring.{p.name}": p.required for p in endpoint.query},
            },
        )
        answers: dict[int, tuple[Mapping[str, str], Sequence[Parameter]]] = {
            status: ({"application/problem+json": _PROBLEM}, headers)
            for status, (_, headers) in PROBLEMS.items()
        }
        models = [self._problem]
        for status, schema in endpoint.answers.items():
            name = f"{endpoint.operation}{status}"
            answers[status] = (
                {"application/json": name} if schema else {},
                endpoint.answer_headers,
            )
            models += [self._model(name, schema)] if schema else []
        for status, (content, headers) in answers.items():
            self._serve(
                aws.apigateway.MethodResponse,
                f"{slug(endpoint.route)}-{status}",
                rest_api=self._api.id,
                resource_id=self._folder(endpoint.path).id,
                http_method=method.http_method,
                status_code=str(status),
                response_models=content,
                response_parameters={f"method.response.header.{h.name}": False for h in headers},
                depends_on=models,
            )

    def _folder(self, path: str) -> aws.apigateway.Resource:
        """Return the API Gateway resource of a path, declaring its parents on the way."""
        if path not in self._folders:
            parent, _, segment = path.rpartition("/")
            self._folders[path] = self._serve(
                aws.apigateway.Resource,
                slug(path),
                rest_api=self._api.id,
                parent_id=self._folder(parent).id if parent else self._api.root_resource_id,
                path_part=segment,
            )
        return self._folders[path]


def slug(text: str) -> str:
    """Return a text as part of a resource name: `get-epoch-by` for `GET /epoch/{key}`.

    The parameter's name is left out, so that another name is an update and no replacement, which
    API Gateway would refuse beside the first.
    """
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"\{[^}]*\}", " by ", text.lower())).strip("-")
