"""The API's documentation, which API Gateway puts into the OpenAPI document that it exports."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import pulumi
import pulumi_aws as aws

from components.routes import PROBLEMS, slug
from function.contract import Endpoint, Parameter

_ABOUT = (
    "Every call needs an API key in the header `x-api-key`. What goes wrong is answered with a "
    "problem document (RFC 9457); quote its `requestId` when asking for help."
)


@dataclass(frozen=True, kw_only=True)
class _Part:
    """What is said (`properties`, as OpenAPI names it) about an entity of the API (`location`)."""

    location: dict[str, str]
    properties: dict[str, Any]


def _described(
    where: dict[str, str], kind: str, parameters: Sequence[Parameter]
) -> Iterator[_Part]:
    for parameter in parameters:
        yield _Part(
            location={"type": kind, **where, "name": parameter.name},
            properties={"description": parameter.description},
        )


def _answer(
    where: dict[str, str], status: int, text: str, headers: Sequence[Parameter]
) -> Iterator[_Part]:
    at = {**where, "status_code": str(status)}
    yield _Part(location={"type": "RESPONSE", **at}, properties={"description": text})
    yield from _described(at, "RESPONSE_HEADER", headers)


def _parts(endpoints: Sequence[Endpoint]) -> Iterator[_Part]:
    yield _Part(location={"type": "API"}, properties={"info": {"description": _ABOUT}})
    # Said once, of any method on any path below the root.
    for status, (text, headers) in PROBLEMS.items():
        yield from _answer({"path": "/", "method": "*"}, status, text, headers)
    for endpoint in endpoints:
        where = {"path": endpoint.path, "method": endpoint.method}
        yield _Part(location={"type": "METHOD", **where}, properties={"summary": endpoint.summary})
        yield from _described(where, "PATH_PARAMETER", endpoint.path_parameters)
        yield from _described(where, "QUERY_PARAMETER", endpoint.query)
        yield from _described(where, "REQUEST_HEADER", endpoint.headers)
        for status in endpoint.answers:
            text = f"{HTTPStatus(status).phrase}."
            yield from _answer(where, status, text, endpoint.answer_headers)


def publish(
    name: str,
    *,
    api: aws.apigateway.RestApi,
    endpoints: Sequence[Endpoint],
    published: bool,
    parent: pulumi.Resource,
) -> pulumi.Output[str] | None:
    """Document the endpoints and return the version, for a stage to name, where one is published.

    A version is a snapshot that never changes, so it is named by a hash of what it says, and made
    after all its parts.
    """
    parts = list(_parts(endpoints))
    declared = [
        aws.apigateway.DocumentationPart(
            f"{name}-{slug('-'.join(part.location.values()).replace('*', 'any'))}",
            rest_api_id=api.id,
            location=aws.apigateway.DocumentationPartLocationArgs(**part.location),
            properties=json.dumps(part.properties),
            opts=pulumi.ResourceOptions(parent=parent),
        )
        for part in parts
    ]
    if not published:
        return None
    said = json.dumps([(part.location, part.properties) for part in parts], sort_keys=True)
    version = aws.apigateway.DocumentationVersion(
        name,
        rest_api_id=api.id,
        version=hashlib.sha256(said.encode()).hexdigest()[:12],
        opts=pulumi.ResourceOptions(parent=parent, depends_on=declared),
    )
    return version.version
