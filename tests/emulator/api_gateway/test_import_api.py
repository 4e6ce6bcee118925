"""The emulator's import of an OpenAPI document: accepted, lost, warned of and refused as by AWS."""

import copy
import json
from typing import Any

import pytest

from local import local_stack

X = "x-amazon-apigateway-"
LAMBDA = (
    "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/"
    "arn:aws:lambda:eu-central-1:000000000000:function:none:live/invocations"
)
PROXY = {"type": "aws_proxy", "httpMethod": "POST", "uri": LAMBDA}
KEY: dict[str, Any] = {"security": [{"key": []}]}
THING = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}
OK: dict[str, Any] = {"responses": {"200": {"description": "OK."}}}


def _served(**said: Any) -> dict[str, Any]:
    return {**copy.deepcopy(OK), f"{X}integration": dict(PROXY), **said}


DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.1",
    "info": {"title": "things", "version": "1", "description": "Things."},
    "paths": {
        "/things": {
            "post": _served(
                **KEY,
                operationId="PostThing",
                parameters=[{"name": "Named", "in": "header", "schema": {"type": "string"}}],
                requestBody=THING,
                responses={
                    "201": {
                        "description": "Created.",
                        "headers": {"Replayed": {"schema": {"type": "string"}}},
                        **THING,
                    }
                },
                **{f"{X}request-validator": "all"},
            ),
            f"{X}any-method": _served(),
        },
        "/things/{id}": {
            "parameters": [
                {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
            ],
            "get": _served(**KEY, operationId="GetThing"),
        },
    },
    "components": {
        "schemas": {
            "Thing": {
                "type": "object",
                "description": "A thing.",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string"},
                    "part": {"$ref": "#/components/schemas/Part", "description": "Lost."},
                    "size": {"type": "integer", "nullable": True, "exclusiveMinimum": 1},
                },
            },
            "Part": {"type": "object", "required": []},
        },
        "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "x-api-key"}},
    },
    f"{X}request-validators": {
        "all": {"validateRequestBody": True, "validateRequestParameters": True}
    },
    f"{X}gateway-responses": {
        "THROTTLED": {
            "statusCode": 429,
            "responseParameters": {"gatewayresponse.header.Retry-After": "'1'"},
            "responseTemplates": {"application/json": "{}"},
        }
    },
    f"{X}documentation": {
        "documentationParts": [
            {"location": {"type": "API"}, "properties": {"info": {"description": "Said."}}},
            {
                "location": {"type": "METHOD", "path": "/things", "method": "POST"},
                "properties": {"summary": "Make a thing."},
            },
        ]
    },
}


def changed(*path: Any, to: Any) -> dict[str, Any]:
    """Return the document with another value at a path; None takes it out."""
    document = copy.deepcopy(DOCUMENT)
    place: Any = document
    for step in path[:-1]:
        place = place[step]
    if to is None:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return document


@pytest.fixture(name="gateway", scope="module")
def _gateway(account: local_stack.Account) -> Any:
    return account.emulator.client("apigateway")


@pytest.fixture(name="api")
def _api(gateway: Any) -> str:
    return str(gateway.create_rest_api(name="before", tags={"owner": "us"})["id"])


def put(gateway: Any, api: str, document: Any, **options: Any) -> Any:
    """Import a document as the provider does."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    sent = {"mode": "overwrite", "failOnWarnings": True, **options}
    return gateway.put_rest_api(restApiId=api, body=body, **sent)


def state(gateway: Any, api: str) -> dict[str, Any]:
    """Return all that an import makes."""
    resources = gateway.get_resources(restApiId=api, embed=["methods"], limit=500)["items"]
    return {
        "api": {k: v for k, v in gateway.get_rest_api(restApiId=api).items() if k[0] != "R"},
        "resources": {resource["path"]: resource for resource in resources},
        "models": {m["name"]: m for m in gateway.get_models(restApiId=api)["items"]},
        "validators": gateway.get_request_validators(restApiId=api)["items"],
        "responses": gateway.get_gateway_responses(restApiId=api)["items"],
        "parts": gateway.get_documentation_parts(restApiId=api)["items"],
    }


def test_all_that_the_document_names_is_there(gateway: Any, api: str) -> None:
    assert "warnings" not in put(gateway, api, DOCUMENT)
    made = state(gateway, api)
    assert (made["api"]["name"], made["api"]["description"]) == ("things", "Things.")
    assert made["api"]["version"] == "1"
    assert set(made["resources"]) == {"/", "/things", "/things/{id}"}
    methods = made["resources"]["/things"]["resourceMethods"]
    assert set(methods) == {"ANY", "POST"}
    post = methods["POST"]
    assert post["apiKeyRequired"] and not methods["ANY"]["apiKeyRequired"]
    assert post["operationName"] == "PostThing"
    assert post["requestModels"] == {"application/json": "Thing"}
    assert post["requestParameters"] == {"method.request.header.Named": False}
    (validator,) = made["validators"]
    assert post["requestValidatorId"] == validator["id"] and validator["validateRequestBody"]
    assert "requestValidatorId" not in methods["ANY"]
    assert post["methodIntegration"]["type"] == "AWS_PROXY"
    assert post["methodIntegration"]["uri"] == LAMBDA
    answer = post["methodResponses"]["201"]
    assert answer["responseModels"] == {"application/json": "Thing"}
    assert answer["responseParameters"] == {"method.response.header.Replayed": False}
    get = made["resources"]["/things/{id}"]["resourceMethods"]["GET"]
    assert get["requestParameters"] == {"method.request.path.id": True}
    (throttled,) = [r for r in made["responses"] if not r["defaultResponse"]]
    assert (throttled["responseType"], throttled["statusCode"]) == ("THROTTLED", "429")
    assert [json.loads(part["properties"]) for part in made["parts"]] == [
        {"info": {"description": "Said."}},
        {"summary": "Make a thing."},
    ]


def test_a_model_keeps_what_api_gateway_keeps(gateway: Any, api: str) -> None:
    put(gateway, api, DOCUMENT)
    models = state(gateway, api)["models"]
    base = f"https://apigateway.amazonaws.com/restapis/{api}/models"
    assert set(models) == {"Thing", "Part"} and models["Thing"]["description"] == "A thing."
    assert json.loads(models["Thing"]["schema"])["properties"] == {
        "name": {"type": "string"},
        "part": {"$ref": f"{base}/Part"},
        "size": {"type": "integer"},
    }
    assert json.loads(models["Part"]["schema"]) == {"type": "object"}


def test_settings_come_from_the_document(gateway: Any, api: str) -> None:
    settings = {
        f"{X}api-key-source": "AUTHORIZER",
        f"{X}binary-media-types": ["image/png"],
        f"{X}minimum-compression-size": 1000,
        f"{X}policy": {"Version": "2012-10-17", "Statement": []},
        f"{X}endpoint-access-mode": "STRICT",
        f"{X}security-policy": "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09",
        f"{X}endpoint-configuration": {"disableExecuteApiEndpoint": True},
    }
    put(gateway, api, DOCUMENT | settings)
    made = state(gateway, api)["api"]
    assert made["apiKeySource"] == "AUTHORIZER" and made["binaryMediaTypes"] == ["image/png"]
    assert made["minimumCompressionSize"] == 1000 and "Statement" in made["policy"]
    assert made["disableExecuteApiEndpoint"] is True
    assert made["endpointAccessMode"] == "STRICT" and made["securityPolicy"].endswith("2025_09")
    put(gateway, api, changed("info", "description", to=None))
    made = state(gateway, api)["api"]
    assert made["apiKeySource"] == "HEADER" and made["binaryMediaTypes"] == []
    assert "policy" not in made and "minimumCompressionSize" not in made
    assert made["disableExecuteApiEndpoint"] is False and made["description"] == ""


def test_overwriting_keeps_ids_and_what_is_not_the_documents(gateway: Any, api: str) -> None:
    put(gateway, api, DOCUMENT)
    before = state(gateway, api)
    deployment = gateway.create_deployment(restApiId=api, stageName="live")["id"]
    gateway.create_model(restApiId=api, name="Other", contentType="application/json", schema="{}")
    gateway.create_documentation_part(
        restApiId=api, location={"type": "RESOURCE", "path": "/"}, properties="{}"
    )
    document = changed("paths", "/things/{id}", to=None)
    document["paths"]["/others"] = {"get": _served()}
    put(gateway, api, document)
    after = state(gateway, api)
    assert set(after["resources"]) == {"/", "/things", "/others"}
    for path in ("/", "/things"):
        assert after["resources"][path]["id"] == before["resources"][path]["id"]
    assert set(after["models"]) == {"Thing", "Part"} and len(after["parts"]) == 2
    assert after["api"]["tags"] == {"owner": "us"}
    assert after["api"]["endpointConfiguration"] == before["api"]["endpointConfiguration"]
    assert gateway.get_stage(restApiId=api, stageName="live")["deploymentId"] == deployment


SCHEMA = ("components", "schemas", "Thing", "properties", "name")
POST = ("paths", "/things", "post")
MEDIA = (*POST, "requestBody", "content", "application/json", "schema")
REFERENCE = {"$ref": "#/components/schemas/Part"}

WARNED = {
    **{
        f"keyword {word}": (changed(*SCHEMA, word, to=value), f"{word} is unexpected")
        for word, value in {
            **{"const": "a", "examples": ["a"], "$defs": {}, "$id": "a", "if": {}, "then": {}},
            **{"prefixItems": [], "patternProperties": {}, "contentEncoding": "base64"},
        }.items()
    },
    **{
        f"keyword {word}": (changed(*SCHEMA, word, to=value), f"keyword(s): [{word}]")
        for word, value in {
            **{"discriminator": {"propertyName": "a"}, "example": "a", "default": "a"},
            **{"readOnly": True, "deprecated": True},
        }.items()
    },
    "several types": (changed(*SCHEMA, "type", to=["string", "null"]), "not of type `string`"),
    "array of anything": (changed(*SCHEMA, "type", to="array"), "name.items is missing"),
    "reference in a union": (changed(*SCHEMA, "anyOf", to=[REFERENCE]), "anyOf with"),
    "missing schema": (
        changed(*MEDIA, "$ref", to="#/components/schemas/None"),
        "schema.$ref is missing",
    ),
    "composed body": (
        changed(*MEDIA, to={"oneOf": [{"type": "object"}]}),
        "Unsupported model type 'ComposedSchema'",
    ),
    "primitive body": (
        changed(*MEDIA, to={"type": "string"}),
        "Unsupported model type 'StringSchema'",
    ),
    "repeated operation": (
        changed("paths", "/things/{id}", "get", "operationId", to="PostThing"),
        "operationId is repeated",
    ),
}
REFUSED = {
    "two variables": (
        changed("paths", "/things/{other}/a", to={f"{X}any-method": _served()}),
        "A sibling ({id}) of this resource already has a variable path part",
    ),
    "half a variable": (changed("paths", "/a{b}", to={}), "Resource's path part only allow"),
    "greedy in the middle": (changed("paths", "/{all+}/b", to={}), "greedy"),
    "many resources": (
        changed("paths", to={f"/a{number}": {} for number in range(300)}),
        "Resources: 301",
    ),
    "large document": (changed("info", "description", to="a" * 6_300_000), "6 MB"),
}


@pytest.mark.parametrize("name", WARNED)
def test_a_warning_fails_where_it_shall_and_else_comes_back(
    gateway: Any, api: str, name: str
) -> None:
    document, message = WARNED[name]
    before = state(gateway, api)
    with pytest.raises(gateway.exceptions.BadRequestException) as refused:
        put(gateway, api, document)
    assert "Warnings found during import:" in str(refused.value)
    assert message in str(refused.value)
    assert state(gateway, api) == before
    warnings = put(gateway, api, document, failOnWarnings=False)["warnings"]
    assert warnings and all(warning in str(refused.value) for warning in warnings)


@pytest.mark.parametrize("name", REFUSED)
def test_an_error_always_fails_and_changes_nothing(gateway: Any, api: str, name: str) -> None:
    document, message = REFUSED[name]
    put(gateway, api, DOCUMENT)
    before = state(gateway, api)
    with pytest.raises(gateway.exceptions.BadRequestException) as refused:
        put(gateway, api, document, failOnWarnings=False)
    assert "Errors found during import:" in str(refused.value)
    assert message in str(refused.value)
    assert state(gateway, api) == before


@pytest.mark.parametrize(
    "document",
    (
        *(b"", b"[]", b"{", b"a: [", b"\xff", b'{"openapi": "3.1.0"}'),
        json.dumps(changed("openapi", to="3.1.0")).encode(),
    ),
)
def test_what_is_no_openapi_3_0_is_refused_without_details(
    gateway: Any, api: str, document: bytes
) -> None:
    before = state(gateway, api)
    with pytest.raises(gateway.exceptions.BadRequestException, match="Invalid OpenAPI input"):
        put(gateway, api, document, failOnWarnings=False)
    assert state(gateway, api) == before


def test_an_api_that_is_not_there_is_not_found(gateway: Any) -> None:
    with pytest.raises(gateway.exceptions.NotFoundException):
        put(gateway, "none", DOCUMENT)
