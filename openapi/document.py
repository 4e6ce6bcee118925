"""The OpenAPI document for client developers."""

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

import yaml

from function.declare.auth import SCOPED_KINDS
from function.declare.endpoint import Endpoint, Parameter, one_by_one
from function.declare.errors import DeclarationError
from function.declare.limits import MAX_BODY_BYTES
from function.declare.loader import endpoints_by_module
from function.declare.problem import PROBLEM_SCHEMA
from function.declare.schema import Form, Raw, Schema, media_type
from openapi import samples, security
from openapi.schemas import SchemaRegistry

Document = dict[str, Any]

_ROOT = Path(__file__).parent.parent

RETRY_AFTER = Parameter(
    name="Retry-After", description="Seconds to wait before a retry.", example="1"
)
CHALLENGE = Parameter(
    name="WWW-Authenticate", description="The scheme of the credentials.", example="Bearer"
)
ALLOW = Parameter(name="Allow", description="The methods that the path allows.", example="POST")

# The problem responses of every operation, with their headers.
PROBLEMS: dict[int, tuple[str, tuple[Parameter, ...]]] = {
    400: ("The request is not valid.", ()),
    403: ("The header x-api-key holds no valid API key, or the call is not allowed.", ()),
    404: ("No such route or resource exists.", ()),
    405: ("The path does not allow this method.", (ALLOW,)),
    415: ("The media type of the body is not application/json.", ()),
    429: ("The rate limit or the API key's quota is reached.", (RETRY_AFTER,)),
    500: ("The request could not be handled.", ()),
    503: ("The service is temporarily unavailable.", (RETRY_AFTER,)),
    504: ("The service did not respond in time.", ()),
}
# Where an authorizer verifies the caller, there is this one too.
UNAUTHORIZED = {401: ("The credentials are missing, wrong or expired.", (CHALLENGE,))}
# API Gateway does not allow to customise this response.
TOO_LARGE = 413

_DESCRIPTION = (
    f"Send an API key in the header `{security.KEY_HEADER}` with every call that needs one. Each "
    "error is a problem document (RFC 9457, `application/problem+json`). Quote its `requestId` "
    "when you ask for help. Only the 413 of a request over 10 MB has another form, and a body over "
    "about 6 MB may get a 5xx. After 429 and 503, wait as long as `Retry-After` says. After any "
    "other 5xx and after a lost connection, retry the calls that are safe to retry. Responses may "
    "get more members: ignore unknown ones."
)


def api_info(version: str) -> Document:
    """Return OpenAPI's info object with the name, description, author and license of Pulumi.yaml.

    The license there is an SPDX identifier.
    """
    project = yaml.safe_load((_ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    info = {
        "title": str(project["name"]).replace("-", " ").title(),
        "version": version,
        "description": project.get("description", ""),
    }
    if author := project.get("author"):
        info["contact"] = {"name": author}
    if identifier := project.get("license"):
        url = f"https://spdx.org/licenses/{identifier}.html"
        info["license"] = {"name": identifier, "url": url}
    return info


def _entity(parameter: Parameter) -> Document:
    """Return the common properties of a parameter and a header."""
    schema: Document = {"type": "string"}
    example: Any = parameter.example
    if parameter.pattern:
        schema["pattern"] = parameter.pattern
    if parameter.repeated:
        schema, example = {"type": "array", "items": schema}, example and [example]
    entity: Document = {"description": parameter.description, "schema": schema}
    return entity | ({"example": example} if example else {})


def _parameters(endpoint: Endpoint[Any], types: SchemaRegistry, where: str) -> Iterator[Document]:
    for place, declared in endpoint.parameters.items():
        entities = types.fields(declared, where) if isinstance(declared, type) else {}
        for one in one_by_one(declared):
            required = one.required or place == "path"
            entity = entities.get(one.name) or _entity(one)
            yield {"name": one.name, "in": place, "required": required} | entity


def _content(declared: Any, types: SchemaRegistry, where: str, closed: bool) -> Document:
    """Return the content of a body by its media type; only a request's objects are closed."""
    schema: Schema
    if isinstance(declared, Raw):
        schema = {"type": "string"} | ({} if declared.is_text else {"format": "binary"})
    else:
        kind = declared.fields if isinstance(declared, Form) else declared
        schema = types.reference(kind, where, closed=closed)
    return {media_type(declared): {"schema": schema}}


def _response(text: str, headers: Sequence[Parameter], content: Document | None = None) -> Document:
    response: Document = {"description": text}
    if headers:
        response["headers"] = {header.name: _entity(header) for header in headers}
    return response | ({"content": content} if content else {})


def _operation(endpoint: Endpoint[Any], types: SchemaRegistry) -> Document:
    where = f"{_file(endpoint)}{endpoint.route}"
    operation: Document = {
        "operationId": endpoint.operation_id,
        "summary": endpoint.summary,
        "security": security.requirement(endpoint.auth),
    }
    if endpoint.scopes:
        operation["description"] = f"Needs the scopes: {', '.join(endpoint.scopes)}."
    if parameters := list(_parameters(endpoint, types, where)):
        operation["parameters"] = parameters
    if endpoint.body is not None:
        content = _content(endpoint.body, types, f"{where}: body", closed=True)
        operation["requestBody"] = {"required": True, "content": content}
    for error in samples.errors(endpoint):
        raise DeclarationError(f"{where}: {error}")
    responses = dict(_problems(endpoint, types, where))
    for status, declared in endpoint.responses.items():
        content = {}
        if declared:
            content = _content(declared, types, f"{where}: response {status}", closed=False)
        phrase = f"{HTTPStatus(status).phrase}."
        responses[status] = _response(phrase, endpoint.response_headers, content)
    operation["responses"] = {str(status): responses[status] for status in sorted(responses)}
    return operation


def _problems(
    endpoint: Endpoint[Any], types: SchemaRegistry, where: str
) -> Iterator[tuple[int, Document]]:
    """Yield the status and the response of each problem that an endpoint may answer with."""
    shared = PROBLEMS | (UNAUTHORIZED if isinstance(endpoint.auth, SCOPED_KINDS) else {})
    if endpoint.body is None:
        del shared[415]
    else:
        shared[415] = f"The media type of the body is not {media_type(endpoint.body)}.", ()
    for status in sorted(shared.keys() | endpoint.problems.keys()):
        text, headers = shared.get(status, (f"{HTTPStatus(status).phrase}.", ()))
        if own := endpoint.problems.get(status):
            schema = types.reference(own, f"{where}: problem {status}", extends=PROBLEM_SCHEMA)
        else:
            schema = types.reference(PROBLEM_SCHEMA, where)
        yield status, _response(text, headers, {"application/problem+json": {"schema": schema}})
    too_large = "The request is larger than 10 MB (not a problem document), or too large to store."
    if endpoint.max_body_bytes < MAX_BODY_BYTES:
        too_large = f"The body is larger than {endpoint.max_body_bytes:,} bytes."
    yield TOO_LARGE, _response(too_large, ())


def _file(endpoint: Endpoint[Any]) -> str:
    """Return the file of an endpoint's module and a colon; "" if no module declares it."""
    names = [name for name, own in endpoints_by_module().items() if own is endpoint]
    return f"function/endpoints/{names[0]}.py: " if names else ""


def build(endpoints: Sequence[Endpoint[Any]], info: Document) -> Document:
    """Return the OpenAPI document of the endpoints; help for clients follows the description.

    Raises DeclarationError with file, endpoint and keyword for a schema that API Gateway's import
    would reject or alter.
    """
    types = SchemaRegistry()
    paths: dict[str, Document] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, types)
    return {
        "openapi": "3.0.1",
        "info": {**info, "description": f"{info['description']}\n\n{_DESCRIPTION}"},
        "servers": [{"url": "/", "description": "Where the stack's `endpoint` is, less the path."}],
        "paths": paths,
        "components": {
            "schemas": {name: types.schemas[name] for name in sorted(types.schemas)},
            "securitySchemes": security.schemes(endpoints),
        },
    }
