"""The function of the authorizers: only where an endpoint needs it, with its own rights alone."""

import json
from typing import Any

import pytest

import function.declare.registry
from components.errors import ConfigError
from components.packaging.archive import files_in
from function.declare import authorizer_registry
from function.declare.auth import Jwt
from function.declare.authorizer import Authorizer
from function.declare.permission import TablePermission
from function.declare.registry import load_tables
from local import pulumi_program
from tests.conftest import NAME, STACK, allowed, declare, one, plain

FUNCTION = "aws:lambda/function:Function"


def declared() -> list[pulumi_program.Resource]:
    """Return the resources of a stack with authorizers."""
    return pulumi_program.declared_resources(STACK, config=plain())


def test_a_service_without_authorizers_has_no_such_function() -> None:
    assert not [r for r in declare() if "authorizer" in r.name]


@pytest.mark.usefixtures("authorizers")
def test_the_function_knows_the_issuer_and_no_other_function_carries_its_library() -> None:
    resources = declared()
    own = one(resources, FUNCTION, f"{NAME}-authorizer")
    assert own["environment"]["variables"]["JWT_ISSUER_JWT"] == "https://login.example.com"
    assert own["handler"] == "function.runtime.authorizer.handler.handler"
    carrying = [
        resource.name
        for resource in resources
        if resource.kind == FUNCTION and "jwt/__init__.py" in files_in(resource.inputs["code"])
    ]
    assert carrying == [f"{NAME}-authorizer"]


@pytest.mark.usefixtures("authorizers")
def test_its_role_has_the_declared_rights_and_the_apis_role_has_not() -> None:
    resources = declared()
    telemetry = {
        *("logs:CreateLogStream", "logs:PutLogEvents"),
        *("xray:PutTelemetryRecords", "xray:PutTraceSegments"),
    }
    assert allowed(resources, f"{NAME}-authorizer").keys() == {*telemetry, "kms:Verify"}
    assert "kms:Verify" not in allowed(resources, f"{NAME}-function")


@pytest.mark.usefixtures("authorizers")
def test_an_alarm_watches_the_calls_of_a_table_by_an_authorizer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = next(iter(load_tables()))
    reads = TablePermission(table, ("dynamodb:Query",))
    partner = Authorizer(lambda _: None, permissions=(reads,))
    monkeypatch.setattr(authorizer_registry, "load_authorizers", lambda: {"partner": partner})
    names = {r.name for r in declared()}
    assert f"{NAME}-table-system-errors-{table}-query" in names


@pytest.mark.usefixtures("authorizers")
def test_api_gateway_may_ask_it_for_the_authorizers_of_this_api_only() -> None:
    resources = declared()
    permission = one(resources, "aws:lambda/permission:Permission", "-api-authorizer")
    assert permission["sourceArn"].endswith("/authorizers/*") and permission["qualifier"] == "live"
    (deployment,) = [r for r in resources if r.kind == "aws:apigateway/deployment:Deployment"]
    assert [urn for urn in deployment.depends_on if urn.endswith("-api-authorizer")]


@pytest.mark.usefixtures("authorizers")
def test_the_document_names_function_pool_and_cache_time() -> None:
    api = one(declared(), "aws:apigateway/restApi:RestApi")
    schemes: dict[str, Any] = json.loads(api["body"])["components"]["securitySchemes"]
    asked = {name: one.get("x-amazon-apigateway-authorizer") for name, one in schemes.items()}
    assert asked["partner"]["identitySource"] == "method.request.header.X-Partner"
    assert asked["partner"]["authorizerResultTtlInSeconds"] == 60
    assert asked["jwt"]["authorizerUri"] == asked["partner"]["authorizerUri"]
    assert asked["cognito"]["providerARNs"][0].endswith("userpool/eu-central-1_Ab3")


def test_an_issuer_of_the_stack_that_is_no_address_is_refused(
    authorizers: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    *others, users, _, _ = function.declare.registry.load_endpoints()
    plain_http = Jwt("http://login.example.com", "shop")
    found = (*others, users._replace(auth=plain_http))
    monkeypatch.setattr(function.declare.registry, "load_endpoints", lambda: found)
    with pytest.raises(ConfigError, match="GET /users: auth: issuer: 'http://login.example.com'"):
        declared()
