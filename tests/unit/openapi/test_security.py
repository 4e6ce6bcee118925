"""Authentication in the API document: schemes, requirements and refusals."""

from typing import Any

import pytest
from openapi_spec_validator import validate

from function.declare.auth import KINDS, ApiKey, CognitoPool, Iam, Jwt, Public
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
    assert security.SCHEMES.keys() == set(KINDS)


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


def test_clients_see_a_bearer_token_and_its_scopes() -> None:
    users = ENDPOINT._replace(auth=Jwt("https://login.example.com", "shop"), scopes=("read",))
    found, imported = built(users)
    validate(found)
    operation = found["paths"]["/orders"]["get"]
    assert operation["security"] == [{"jwt": []}] and "read" in operation["description"]
    challenge = operation["responses"]["401"]["headers"]["WWW-Authenticate"]
    assert challenge["example"] == "Bearer"
    assert found["components"]["securitySchemes"] == {
        "jwt": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }
    assert {one["type"] for one in imported["components"]["securitySchemes"].values()} == {"apiKey"}


def test_only_a_pool_checks_scopes_itself_which_makes_it_take_access_tokens() -> None:
    pool = CognitoPool("arn:aws:cognito-idp:eu-west-1:123456789012:userpool/a")
    scoped = ENDPOINT._replace(auth=pool, scopes=("shop/read",))
    users = ENDPOINT._replace(
        path="/users", auth=Jwt("https://a.example", "shop"), scopes=("read",)
    )
    _, imported = built(scoped, users)
    assert imported["paths"]["/orders"]["get"]["security"] == [{"cognito": ["shop/read"]}]
    assert imported["paths"]["/users"]["get"]["security"] == [{"jwt": []}]


def test_wrong_credentials_are_challenged_only_where_an_authorizer_is() -> None:
    _, imported = built(ENDPOINT._replace(auth=Jwt("https://login.example.com", "shop")))
    refused = imported[RESPONSES]["UNAUTHORIZED"]
    assert refused["statusCode"] == "401"
    assert refused["responseParameters"]["gatewayresponse.header.WWW-Authenticate"] == "'Bearer'"
    found, imported = built(ENDPOINT)
    assert "UNAUTHORIZED" not in imported[RESPONSES]
    assert "401" not in found["paths"]["/orders"]["get"]["responses"]
