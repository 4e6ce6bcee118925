"""Authentication in the API document: schemes, requirements and refusals."""

from typing import Any

import pytest

from function.declare.auth import KINDS, ApiKey, Iam, Public
from function.declare.endpoint import Endpoint, Response
from openapi import document, gateway, security
from tests.unit.openapi.test_document import ABOUT, SETTINGS

ENDPOINT = Endpoint(
    method="GET",
    path="/orders",
    summary="List orders.",
    handle=lambda _: Response(status=204, body=None),
    responses={204: None},
)
RESPONSES = "x-amazon-apigateway-gateway-responses"


def built(*endpoints: Endpoint[Any]) -> tuple[document.Document, document.Document]:
    """Return the client's document and API Gateway's."""
    found = document.build(endpoints, ABOUT)
    return found, gateway.to_api_gateway(found, endpoints, SETTINGS)


def test_every_kind_of_authentication_has_a_scheme() -> None:
    assert security.SCHEMES.keys() | {Public} == KINDS.keys()


def test_each_operation_requires_its_own_scheme() -> None:
    signed = ENDPOINT._replace(path="/signed", auth=Iam())
    _, imported = built(ENDPOINT, signed, ENDPOINT._replace(path="/open", auth=Public()))
    of = {path: methods["get"].get("security") for path, methods in imported["paths"].items()}
    assert of == {"/orders": [{"apiKey": []}], "/signed": [{"iam": []}], "/open": None}
    assert imported["components"]["securitySchemes"] == {
        "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
        "iam": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "x-amazon-apigateway-authtype": "awsSigv4",
        },
    }


@pytest.mark.parametrize("auth, status", ((ApiKey(), 404), (Iam(), 403)))
def test_an_unknown_route_is_told_apart_from_a_missing_signature_only_without_iam(
    auth: Any, status: int
) -> None:
    endpoint = ENDPOINT._replace(auth=auth)
    _, imported = built(endpoint)
    response = imported[RESPONSES]["MISSING_AUTHENTICATION_TOKEN"]
    assert response["statusCode"] == str(status) == str(gateway.unknown_route_status([endpoint]))
    assert ("INVALID_SIGNATURE" in imported[RESPONSES]) == (status == 403)


def test_a_preflight_needs_no_credentials_and_allows_the_headers_of_the_authentication() -> None:
    _, imported = built(ENDPOINT._replace(auth=Iam(), cors=("https://a.example",)))
    preflight = imported["paths"]["/orders"]["options"]
    assert "security" not in preflight
    response = preflight["x-amazon-apigateway-integration"]["responses"]["default"]
    allowed = response["responseParameters"]["method.response.header.Access-Control-Allow-Headers"]
    assert allowed == "'authorization,content-type,x-amz-date,x-amz-security-token'"
