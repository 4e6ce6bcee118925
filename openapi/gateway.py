"""The document for API Gateway's import: the client's, without unsupported keywords, with API
Gateway's extensions."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from function.declare.auth import Iam, Public
from function.declare.endpoint import Endpoint, Response, one_by_one
from function.declare.errors import DeclarationError
from function.declare.problem import problem_document
from function.declare.schema import EMPTY_MAPPING, Raw
from function.responses import customize_response
from openapi import security
from openapi.document import CHALLENGE, PROBLEMS, RETRY_AFTER, Document
from openapi.schemas import FOR_CLIENTS

# TLS 1.2 or newer with forward secrecy, and only under the API's own host name.
SECURITY_POLICY = "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09"
ACCESS_MODE = "STRICT"

# This header of the response for an unknown route identifies the deployed document.
DOCUMENT_HEADER = "X-Api-Document-Hash"
_FINGERPRINT = f"gatewayresponse.header.{DOCUMENT_HEADER}"
UNKNOWN_ROUTE = "MISSING_AUTHENTICATION_TOKEN"

# API Gateway's own responses: status and detail by type. REQUEST_TOO_LARGE is missing because API
# Gateway ignores its customisation.
_GATEWAY_RESPONSES = {
    "ACCESS_DENIED": (403, "The call is not allowed."),
    # It names the parameters: "Missing required request parameters: [day]".
    "BAD_REQUEST_PARAMETERS": (400, "$context.error.message"),
    "DEFAULT_4XX": (400, "The request cannot be handled."),
    "DEFAULT_5XX": (500, "The request could not be handled."),
    "EXPIRED_TOKEN": (403, "The session token of the signature has expired."),
    "INTEGRATION_FAILURE": (504, "The service did not answer."),
    "INTEGRATION_TIMEOUT": (504, "The service did not answer in time."),
    "INVALID_API_KEY": (403, f"The header {security.KEY_HEADER} holds no valid API key."),
    "INVALID_SIGNATURE": (403, "The signature of the request is not valid."),
    UNKNOWN_ROUTE: (404, "Unknown route."),
    "QUOTA_EXCEEDED": (429, "The API key's quota is used up."),
    "RESOURCE_NOT_FOUND": (404, "Unknown route."),
    "THROTTLED": (429, "The rate limit is reached. Retry later."),
    "UNAUTHORIZED": (401, "The credentials are missing, wrong or expired."),
    "UNSUPPORTED_MEDIA_TYPE": (415, "Unsupported media type: send application/json."),
    "WAF_FILTERED": (403, "The call is not allowed."),
}

_PREFLIGHT_AGE_S = 600

# The keys below these are names, not keywords.
_NAMES = frozenset({"headers", "properties", "schemas"})

# The function validates bodies: API Gateway's 400 could not name the invalid member.
_VALIDATORS = {"parameters": {"validateRequestParameters": True, "validateRequestBody": False}}


class ImportSettings(NamedTuple):
    """Settings of the API that an import resets unless the document names them.

    `invoke_arn` is the integration URI of the function's alias, `authorizer_arn` that of the
    authorizers'. `settings` are the environment variables of the stack's settings.
    """

    name: str
    description: str
    invoke_arn: str
    authorizer_arn: str = ""
    settings: Mapping[str, str] = EMPTY_MAPPING


def text(document: Document) -> str:
    """Return a document as text; equal documents give equal bytes."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def _supported(value: Any) -> Any:
    """Return a part of the document without the keywords that API Gateway does not support."""
    if isinstance(value, list):
        return [_supported(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {
        key: (
            {name: _supported(member) for name, member in item.items()}
            if key in _NAMES
            else _supported(item)
        )
        for key, item in value.items()
        if key not in FOR_CLIENTS and (key, item) != ("security", [])
    }


def _operation(operation: Document, endpoint: Endpoint[Any]) -> Document:
    """Return an operation whose parameters and headers have plain string schemas.

    API Gateway's models are for JSON. The function requires the parameters of a type, since its 400
    names a missing one.
    """
    plain: Document = _supported(operation)
    if required := security.gateway_requirement(endpoint):
        plain["security"] = required
    if not _is_json(plain.get("requestBody", {})):
        del plain["requestBody"]
    entities = plain.get("parameters", [])
    for entity in entities:
        if entity["in"] != "path" and isinstance(endpoint.parameters[entity["in"]], type):
            entity["required"] = False
    for response in plain["responses"].values():
        entities = [*entities, *response.get("headers", {}).values()]
        if not _is_json(response):
            del response["content"]
    for entity in entities:
        entity["schema"] = {"type": "string"}
    return plain


def _is_json(body: Document) -> bool:
    content = body.get("content", {}).items()
    return all(kind.endswith("json") and "$ref" in part["schema"] for kind, part in content)


def binary_media_types(endpoints: Iterable[Endpoint[Any]]) -> list[str]:
    """Return the media types that API Gateway passes on in base64: all, if an endpoint needs one.

    Of a response, API Gateway compares the first type that the client accepts, not the response's.
    """
    declared = (kind for one in endpoints for kind in (one.body, *one.responses.values()))
    binary = any(isinstance(kind, Raw) and not kind.is_text for kind in declared)
    return ["*/*"] if binary else []


def minimum_compression_size(endpoints: Iterable[Endpoint[Any]]) -> int | None:
    """Return the size from which API Gateway compresses responses; None: it compresses none."""
    sizes = [one.compress_from_bytes for one in endpoints if one.compress_from_bytes is not None]
    return min(sizes, default=None)


def unknown_route_status(endpoints: Sequence[Endpoint[Any]]) -> int:
    """Return the status of the response for an unknown route.

    With an Iam endpoint, API Gateway does not tell it from a request without a signature.
    """
    return 403 if any(isinstance(endpoint.auth, Iam) for endpoint in endpoints) else 404


def _gateway_responses(endpoints: Sequence[Endpoint[Any]]) -> Document:
    """Return the gateway responses: problem documents that pages of other origins may read.

    The team's hook customizes them; raises DeclarationError for a header that it cannot set here.
    """
    responses = {}
    origins = sorted({origin for endpoint in endpoints for origin in endpoint.cors})
    kinds = dict(_GATEWAY_RESPONSES)
    if (unknown := unknown_route_status(endpoints)) == 403:
        kinds[UNKNOWN_ROUTE] = unknown, "Unknown route, or a request without a signature (SigV4)."
    for kind, (status, detail) in kinds.items():
        headers = {"Content-Type": "application/problem+json"}
        if kind == "THROTTLED":  # a quota lasts for the day
            headers[RETRY_AFTER.name] = "1"
        if status == 401:
            headers[CHALLENGE.name] = "Bearer"
        if origins:  # one response has one value for all endpoints
            headers["Access-Control-Allow-Origin"] = origins[0] if len(origins) == 1 else "*"
        problem = problem_document(status, detail, "$context.requestId")
        response = customize_response(Response(status, problem, headers), None)
        for name, value in response.headers.items():
            if "'" in value:  # API Gateway's quote of a fixed value, which has no escape
                raise DeclarationError(f"function/responses.py: {name}: {value!r} has a quote")
        responses[kind] = {
            "statusCode": str(response.status),
            "responseParameters": {
                f"gatewayresponse.header.{name}": f"'{value}'"
                for name, value in response.headers.items()
            },
            "responseTemplates": {"application/json": json.dumps(response.body)},
        }
    return responses


def _preflight(endpoints: Sequence[Endpoint[Any]], is_binary: bool) -> Document:
    """Return the operation that answers CORS preflights of a path without the function."""
    first, *others = endpoints[0].cors
    asked = {
        header.name.lower()
        for endpoint in endpoints
        for header in one_by_one(endpoint.request_headers)
    }
    asked |= {name.lower() for endpoint in endpoints for name in security.headers(endpoint.auth)}
    headers = {
        "Access-Control-Allow-Headers": ",".join(sorted(asked | {"content-type"})),
        "Access-Control-Allow-Methods": ",".join(sorted(e.method for e in endpoints)),
        "Access-Control-Allow-Origin": first,
        "Access-Control-Max-Age": str(_PREFLIGHT_AGE_S),
        "Vary": "Origin",
    }
    known = " || ".join(f'$origin == "{origin}"' for origin in others)
    template = (
        '#set($origin = $input.params().header.get("Origin"))\n'
        '#if($origin == "")#set($origin = $input.params().header.get("origin"))#end\n'
        f"#if({known})\n"
        "#set($context.responseOverride.header.Access-Control-Allow-Origin = $origin)\n"
        "#end"
    )
    return {
        "summary": "Answers a browser's preflight.",
        "responses": {
            "204": {
                "description": "No Content.",
                "headers": {name: {"schema": {"type": "string"}} for name in headers},
            },
            "429": {"description": PROBLEMS[429][0]},  # the stage's throttle applies too
        },
        "x-amazon-apigateway-integration": {
            "type": "mock",
            "requestTemplates": {"application/json": '{"statusCode": 204}'},
            "responses": {
                "default": {
                    "responseParameters": {
                        f"method.response.header.{name}": f"'{value}'"
                        for name, value in headers.items()
                    },
                    "statusCode": "204",
                    "responseTemplates": {"application/json": template if others else ""},
                }
            },
            "passthroughBehavior": "never",
            # Else the mock would take the empty body of a binary API for no text, a 500.
            **({"contentHandling": "CONVERT_TO_TEXT"} if is_binary else {}),
        },
    }


def _path(
    operations: Document, endpoints: Sequence[Endpoint[Any]], invoke_arn: str, is_binary: bool
) -> Document:
    """Return a path whose operations all invoke the function.

    So do undeclared methods, which it answers with 405; API Gateway alone would answer 404. They
    need no authentication if an endpoint of the path is Public.
    """
    public = any(isinstance(endpoint.auth, Public) for endpoint in endpoints)
    integration = {"type": "aws_proxy", "httpMethod": "POST", "uri": invoke_arn}
    integrated = {"x-amazon-apigateway-integration": integration}
    path: Document = {
        endpoint.method.lower(): {
            **_operation(operations[endpoint.method.lower()], endpoint),
            "x-amazon-apigateway-request-validator": "parameters",
            **integrated,
        }
        for endpoint in endpoints
    }
    keyed = {} if public else {"security": path[endpoints[0].method.lower()]["security"]}
    path["x-amazon-apigateway-any-method"] = integrated | keyed
    if endpoints[0].cors:
        path["options"] = _preflight(endpoints, is_binary)
    return path


def _documentation_parts(document: Document) -> Iterator[Document]:
    """Yield the documentation of the API and of each operation, which exports then contain."""
    info = {key: value for key, value in document["info"].items() if key != "title"}
    yield {"location": {"type": "API"}, "properties": {"info": info}}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            location = {"type": "METHOD", "path": path, "method": method.upper()}
            yield {"location": location, "properties": {"summary": operation["summary"]}}


def to_api_gateway(
    document: Document, endpoints: Sequence[Endpoint[Any]], settings: ImportSettings
) -> Document:
    """Return the document for API Gateway's import from the client's document."""
    by_path: dict[str, list[Endpoint[Any]]] = {}
    for endpoint in endpoints:
        by_path.setdefault(endpoint.path, []).append(endpoint)
    binary, compressed = binary_media_types(endpoints), minimum_compression_size(endpoints)
    body: Document = {
        "openapi": document["openapi"],
        "info": {
            "title": settings.name,
            "version": document["info"]["version"],
            "description": settings.description,
        },
        "paths": {
            path: _path(document["paths"][path], of_path, settings.invoke_arn, bool(binary))
            for path, of_path in by_path.items()
        },
        "components": {
            **_supported(document["components"]),
            "securitySchemes": security.gateway_schemes(
                endpoints, settings.authorizer_arn, settings.settings
            ),
        },
        "x-amazon-apigateway-api-key-source": "HEADER",
        "x-amazon-apigateway-security-policy": SECURITY_POLICY,
        "x-amazon-apigateway-endpoint-access-mode": ACCESS_MODE,
        "x-amazon-apigateway-request-validators": _VALIDATORS,
        "x-amazon-apigateway-gateway-responses": _gateway_responses(endpoints),
        "x-amazon-apigateway-documentation": {
            "documentationParts": list(_documentation_parts(document))
        },
    }
    if binary:
        body["x-amazon-apigateway-binary-media-types"] = binary
    if compressed is not None:
        body["x-amazon-apigateway-minimum-compression-size"] = compressed
    digest = hashlib.sha256(text(body).encode()).hexdigest()[:12]
    body["x-amazon-apigateway-gateway-responses"][UNKNOWN_ROUTE]["responseParameters"] |= {
        _FINGERPRINT: f"'{digest}'"
    }
    return body


def fingerprint_of(body: Document) -> str:
    """Return the fingerprint in a document, which a deployed stage returns in its 404."""
    response = body["x-amazon-apigateway-gateway-responses"][UNKNOWN_ROUTE]
    header: str = response["responseParameters"][_FINGERPRINT]
    return header.strip("'")
