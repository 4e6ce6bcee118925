"""A stage in the emulator: it serves the last deployment, checked and answered as on AWS."""

import copy
import gzip
import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from local import local_stack
from openapi.gateway import ImportSettings, to_api_gateway
from tests.emulator.api_gateway.test_import_api import DOCUMENT, OK, PROXY, X, put
from tests.emulator.conftest import create_function, role_of

ECHO = """
import json
def handler(event, context):
    answer = {"method": event["httpMethod"], "resource": event["resource"]}
    answer |= event["pathParameters"] or {}
    if event["resource"] == "/same":
        same = {name: event[name] for name in ("body", "isBase64Encoded")}
        return {"statusCode": 200, "headers": {"Content-Type": "image/png"}, **same}
    headers = {"WWW-Authenticate": "Basic", "Upgrade": "h2c", "Kept": "yes"}
    return {"statusCode": 200, "headers": headers, "body": json.dumps(answer)}
"""
SETTINGS = ImportSettings("api", "An API.", "")
ORIGINS = ("https://a.example", "https://b.example")
TEMPLATE = """
#set($origin = $input.params().header.get("Origin"))
#if($origin == "") #set($origin = $input.params().header.get("origin")) #end
#if($origin == "https://b.example" || $origin == "https://c.example")
#set($context.responseOverride.header.Access-Control-Allow-Origin = $origin)
#end"""
PREFLIGHT = {
    "responses": {"204": {"description": "No Content."}},
    f"{X}integration": {
        "type": "mock",
        "requestTemplates": {"application/json": '{"statusCode": 204}'},
        "responses": {
            "default": {
                "statusCode": "204",
                "responseParameters": {
                    "method.response.header.Access-Control-Allow-Origin": f"'{ORIGINS[0]}'"
                },
                "responseTemplates": {"application/json": TEMPLATE},
            }
        },
    },
}


class Api:
    """An API that a function answers, in a stage of a real emulator."""

    def __init__(self, account: local_stack.Account, function: str) -> None:
        self.account = account
        self.client = account.emulator.client("apigateway")
        self.id = self.client.create_rest_api(name="api")["id"]
        uri = "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/{}/invocations"
        self._proxy = {**PROXY, "uri": uri.format(function)}

    def deploy(self, paths: dict[str, Any], **document: Any) -> str:
        """Import the paths, whose methods the function answers unless they say otherwise."""
        paths = copy.deepcopy(paths)
        for item in paths.values():
            for operation in item.values():
                operation.setdefault(f"{X}integration", self._proxy)
        put(self.client, self.id, {**DOCUMENT, "paths": paths, **document})
        return str(self.client.create_deployment(restApiId=self.id, stageName="live")["id"])

    def call(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], Any]:
        """Call the stage; return status, headers and the body, parsed where it is an object."""
        url = f"{self.account.emulator.url}/_aws/execute-api/{self.id}/live{path}"
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(url, method=method, data=body, headers=names)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                sent = answer.read()
                packed = answer.headers["Content-Encoding"] == "gzip"
                text = (gzip.decompress(sent) if packed else sent).decode()
        except urllib.error.HTTPError as error:
            with error as answer:
                text = answer.read().decode()
        return answer.status, answer.headers, json.loads(text) if text[:1] == "{" else text


@pytest.fixture(name="function", scope="module")
def _function(account: local_stack.Account) -> str:
    made = create_function(account.emulator, ECHO, role_of(account.emulator))
    account.emulator.client("lambda").add_permission(
        FunctionName=made["FunctionName"],
        StatementId="invoke",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )
    return str(made["FunctionArn"])


@pytest.fixture(name="api")
def _api(account: local_stack.Account, function: str) -> Api:
    return Api(account, function)


THING = {
    "requestBody": DOCUMENT["paths"]["/things"]["post"]["requestBody"],
    f"{X}request-validator": "all",
    **OK,
}
TEXT = {"Content_Type": "text/plain"}
JSON = {"Content_Type": "application/json; charset=utf-8"}


def test_a_stage_serves_its_deployment_and_not_what_was_imported_since(api: Api) -> None:
    first = api.deploy({"/a": {"get": OK}})
    assert api.call("GET", "/a")[2] == {"method": "GET", "resource": "/a"}
    put(api.client, api.id, {**DOCUMENT, "paths": {"/b": {"get": {**OK, **THING}}}})
    assert api.call("GET", "/a")[0] == 200 and api.call("GET", "/b")[0] == 403
    second = api.deploy({"/b": {"get": OK}})
    assert api.call("GET", "/b")[0] == 200
    status, _, answer = api.call("GET", "/a")
    assert (status, answer) == (403, {"message": "Missing Authentication Token"})
    patch = [{"op": "replace", "path": "/deploymentId", "value": first}]
    api.client.update_stage(restApiId=api.id, stageName="live", patchOperations=patch)
    assert api.call("GET", "/a")[0] == 200 and api.call("GET", "/b")[0] == 403
    api.client.delete_deployment(restApiId=api.id, deploymentId=second)


def test_a_model_that_changed_checks_from_the_next_deployment(api: Api) -> None:
    api.deploy({"/a": {"post": THING}})
    assert api.call("POST", "/a", b"{}", **JSON)[0] == 400
    part = DOCUMENT["components"]["schemas"]["Part"]
    components = DOCUMENT["components"] | {"schemas": {"Part": part, "Thing": part}}
    put(api.client, api.id, {**DOCUMENT, "components": components})
    assert api.call("POST", "/a", b"{}", **JSON)[0] == 400
    api.deploy({"/a": {"post": THING}}, components=components)
    assert api.call("POST", "/a", b"{}", **JSON)[0] == 200


def test_a_stage_exports_its_deployment(api: Api) -> None:
    api.deploy({"/a": {"get": OK}})
    put(api.client, api.id, {**DOCUMENT, "paths": {"/b": {"get": OK}}})
    export = api.client.get_export(restApiId=api.id, stageName="live", exportType="oas30")
    assert set(json.loads(export["body"].read())["paths"]) == {"/a"}


@pytest.mark.parametrize("kind", ("oas30", "swagger"))
def test_an_export_holds_all_that_its_models_are_made_of(api: Api, kind: str) -> None:
    part = {"$ref": "#/components/schemas/Part"}
    whole = {"type": "object", "properties": {"parts": {"type": "array", "items": part}}}
    schemas = {"Part": {"type": "object"}, "Whole": whole}
    api.deploy({"/a": {"get": OK}}, components={"schemas": schemas})
    export = api.client.get_export(restApiId=api.id, stageName="live", exportType=kind)
    document = json.loads(export["body"].read())
    there = document["components"]["schemas"] if kind == "oas30" else document["definitions"]
    place = {"oas30": "#/components/schemas/Part", "swagger": "#/definitions/Part"}[kind]
    assert there["Whole"]["properties"]["parts"]["items"]["$ref"] == place


@pytest.mark.parametrize(
    ("paths", "message"),
    (
        ({}, "doesn't contain any methods"),
        ({"/a": {"get": OK}}, "No integration defined for method"),
    ),
)
def test_what_cannot_be_deployed_is_refused(api: Api, paths: Any, message: str) -> None:
    put(api.client, api.id, {**DOCUMENT, "paths": paths})
    with pytest.raises(api.client.exceptions.BadRequestException, match=message):
        api.client.create_deployment(restApiId=api.id)


def test_what_a_stage_uses_is_not_deleted(api: Api) -> None:
    deployment = api.deploy({"/a": {"get": OK}})
    named = {"restApiId": api.id, "documentationVersion": "1"}
    made = api.client.create_documentation_version(**named, description="First.")
    with pytest.raises(api.client.exceptions.ConflictException):
        api.client.create_documentation_version(**named)
    patch = [{"op": "replace", "path": "/documentationVersion", "value": "1"}]
    api.client.update_stage(restApiId=api.id, stageName="live", patchOperations=patch)
    with pytest.raises(api.client.exceptions.BadRequestException, match="Active stages"):
        api.client.delete_deployment(restApiId=api.id, deploymentId=deployment)
    with pytest.raises(api.client.exceptions.BadRequestException, match="API Stages associated"):
        api.client.delete_documentation_version(**named)
    (listed,) = api.client.get_documentation_versions(restApiId=api.id)["items"]
    found = api.client.get_documentation_version(**named)
    assert made["description"] == found["description"] == listed["description"] == "First."
    api.client.delete_stage(restApiId=api.id, stageName="live")
    api.client.delete_deployment(restApiId=api.id, deploymentId=deployment)
    api.client.delete_documentation_version(**named)
    with pytest.raises(api.client.exceptions.NotFoundException):
        api.client.get_documentation_version(**named)


def test_any_method_takes_only_the_verbs_that_are_not_declared(api: Api) -> None:
    keyed = {**OK, "security": [{"key": []}]}
    api.deploy({"/a": {"get": keyed, f"{X}any-method": OK}})
    assert api.call("GET", "/a")[0] == 403
    assert api.call("PATCH", "/a")[2]["method"] == "PATCH"


def test_bodies_are_checked_under_their_media_type_only(api: Api) -> None:
    api.deploy({"/a": {"post": THING}})
    good, bad = b'{"name": "a"}', b'{"name": 1}'
    assert api.call("POST", "/a", good, **JSON)[0] == 200
    for body in (bad, b"{", b"[]", b""):
        status, _, answer = api.call("POST", "/a", body, **JSON)
        assert (status, answer) == (400, {"message": "Invalid request body"})
    assert api.call("POST", "/a")[0] == 400
    assert api.call("POST", "/a", bad, **TEXT)[0] == 200


@pytest.mark.parametrize(
    ("origin", "allowed"),
    ((ORIGINS[0], ORIGINS[0]), (ORIGINS[1], ORIGINS[1]), ("https://evil.example", ORIGINS[0])),
)
def test_a_mock_answers_preflights_by_origin(api: Api, origin: str, allowed: str) -> None:
    api.deploy({"/a": {"options": PREFLIGHT}})
    status, headers, body = api.call("OPTIONS", "/a", Origin=origin)
    assert (status, body) == (204, "")
    assert headers["Access-Control-Allow-Origin"] == allowed


def test_a_mock_without_a_status_is_an_internal_error(api: Api) -> None:
    mock = copy.deepcopy(PREFLIGHT)
    mock[f"{X}integration"]["requestTemplates"] = {"application/json": "no JSON"}
    api.deploy({"/a": {"options": mock}})
    assert api.call("OPTIONS", "/a")[0] == 500


def test_gateway_responses_carry_their_headers(api: Api) -> None:
    said = {
        "responseParameters": {"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"},
        "responseTemplates": {"application/json": '{"said": $context.error.messageString}'},
    }
    api.deploy({"/a": {"get": OK}}, **{f"{X}gateway-responses": {"DEFAULT_4XX": said}})
    status, headers, answer = api.call("GET", "/b")
    assert (status, answer) == (403, {"said": "Missing Authentication Token"})
    assert headers["Access-Control-Allow-Origin"] == "*"


def test_a_large_body_is_refused_in_api_gateways_and_in_lambdas_words(api: Api) -> None:
    api.deploy({"/a": {"post": OK}})
    status, _, answer = api.call("POST", "/a", b" " * (10 * 1024**2 + 1))
    assert (status, answer) == (413, "HTTP content length exceeded 10485760 bytes.")
    status, _, answer = api.call("POST", "/a", b" " * 7 * 1024**2)
    assert (status, answer) == (413, {"message": "Request Too Long"})
    assert api.call("POST", "/a", b" " * 5 * 1024**2)[0] == 200


def test_more_headers_than_api_gateway_takes_are_refused(api: Api) -> None:
    api.deploy({"/a": {"get": OK}})
    status, _, answer = api.call("GET", "/a", A="a" * 6_000, B="b" * 4_300)
    assert (status, answer) == (431, "HTTP header is larger than 10240 bytes.")
    assert api.call("GET", "/a", A="a" * 6_000, B="b" * 4_000)[0] == 200


def test_a_path_is_parted_as_it_was_sent_and_reaches_the_function_so(api: Api) -> None:
    named = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    api.deploy({"/a/{id}": {"get": {**OK, "parameters": [named]}}})
    assert api.call("GET", "/a/b%2Fc%20%C3%A4+")[2] == {
        "method": "GET",
        "resource": "/a/{id}",
        "id": "b%2Fc%20%C3%A4+",
    }
    assert api.call("GET", "/a/b/c")[0] == 403


def test_a_missing_parameter_is_named(api: Api) -> None:
    day = {"name": "day", "in": "query", "required": True, "schema": {"type": "string"}}
    operation = {**OK, f"{X}request-validator": "all", "parameters": [day]}
    responses = to_api_gateway(DOCUMENT | {"paths": {}}, (), SETTINGS)[f"{X}gateway-responses"]
    api.deploy({"/a": {"get": operation}}, **{f"{X}gateway-responses": responses})
    status, _, problem = api.call("GET", "/a")
    assert (status, problem["detail"]) == (400, "Missing required request parameters: [day]")
    assert api.call("GET", "/a?day=1")[0] == 200


def test_a_caller_may_choose_another_verb(api: Api) -> None:
    api.deploy({"/a": {"post": OK, "delete": OK}})
    answer = api.call("POST", "/a", X_HTTP_Method_Override="DELETE")
    assert answer[2]["method"] == "DELETE"


def test_api_gateway_keeps_some_headers_for_itself(api: Api) -> None:
    api.deploy({"/a": {"get": OK}})
    _, headers, _ = api.call("GET", "/a")
    assert headers["Kept"] == "yes" and headers["x-amzn-Remapped-WWW-Authenticate"] == "Basic"
    assert "Upgrade" not in headers and "WWW-Authenticate" not in headers


BINARY = {f"{X}binary-media-types": ["*/*"]}


def test_a_binary_api_passes_bytes_on_in_base64(api: Api) -> None:
    api.deploy({"/same": {"post": OK}}, **BINARY)
    sent = b"\x00png\x7f"
    answer = api.call("POST", "/same", sent, Content_Type="image/png", Accept="image/avif,*/*")
    assert answer[2].encode() == sent and answer[1]["Content-Type"] == "image/png"
    api.deploy({"/same": {"post": OK}})
    assert api.call("POST", "/same", b"text", **TEXT)[2] == "text"


def test_a_mock_of_a_binary_api_needs_a_text(api: Api) -> None:
    api.deploy({"/a": {"options": PREFLIGHT}}, **BINARY)
    assert api.call("OPTIONS", "/a", Origin=ORIGINS[0])[0] == 500
    mock = copy.deepcopy(PREFLIGHT)
    mock[f"{X}integration"]["contentHandling"] = "CONVERT_TO_TEXT"
    api.deploy({"/a": {"options": mock}}, **BINARY)
    assert api.call("OPTIONS", "/a", Origin=ORIGINS[0])[0] == 204


@pytest.mark.parametrize(
    ("accepted", "size", "packed"), (("gzip, br", 3, True), ("gzip", 5, False), ("br", 3, False))
)
def test_a_response_is_packed_if_it_is_large_and_the_client_takes_it(
    api: Api, accepted: str, size: int, packed: bool
) -> None:
    api.deploy({"/same": {"post": OK}}, **{f"{X}minimum-compression-size": size})
    _, headers, body = api.call("POST", "/same", b"abcd", Accept_Encoding=accepted, **TEXT)
    assert body == "abcd" and (headers.get("Content-Encoding") == "gzip") is packed


def test_a_packed_request_is_unpacked(api: Api) -> None:
    api.deploy({"/same": {"post": OK}}, **{f"{X}minimum-compression-size": 0})
    packed = gzip.compress(b"abcd")
    assert api.call("POST", "/same", packed, Content_Encoding="gzip", **TEXT)[2] == "abcd"
