"""The document: for clients, for API Gateway, and without the parts that neither may hold.

The numbers in brackets are those of API Gateway's facts, as the test of the import has them.
"""

import enum
import json
from collections.abc import Mapping
from typing import Annotated, Any, Generic, Literal, Optional, TypeVar

import msgspec
import pytest
from openapi_spec_validator import validate

from function.declare.auth import Public
from function.declare.endpoint import Endpoint, Parameter, Request, Response
from function.declare.errors import DeclarationError
from function.declare.registry import load_endpoints, validate_endpoints
from function.declare.schema import Form, Raw
from openapi import document, gateway
from openapi.document import build

T = TypeVar("T")
ABOUT = {"title": "Shop", "version": "1.2.3", "description": "Sells."}
SETTINGS = gateway.ImportSettings(
    name="shop-dev",
    description="Sells.",
    invoke_arn="arn:invoke",
)


class Size(enum.Enum):
    """An enumeration."""

    SMALL = "small"
    LARGE = "large"


class Tag(msgspec.Struct, forbid_unknown_fields=True):
    """A label."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=20, examples=["red"])]


class Cash(msgspec.Struct, tag="cash", forbid_unknown_fields=True):
    """One way to pay."""

    amount: float


class Card(msgspec.Struct, tag="card", forbid_unknown_fields=True):
    """Another way to pay."""

    number: str


class Order(msgspec.Struct, forbid_unknown_fields=True):
    """The bought things."""

    size: Size
    tags: list[Tag]
    payment: Cash | Card
    count: Annotated[int, msgspec.Meta(ge=1, le=9)] = 1
    picture: bytes = b""
    note: str | msgspec.UnsetType = msgspec.UNSET
    first: Annotated[Tag, msgspec.Meta(description="the main one")] | msgspec.UnsetType = (
        msgspec.UNSET
    )


class Page(msgspec.Struct, Generic[T]):
    """A part of a list."""

    items: list[T]


def handle(_: Request[Any]) -> Response:
    """Answer nothing."""
    return Response(status=204, body=None)


def endpoint(**changes: Any) -> Endpoint[Any]:
    """Return an endpoint with these differences."""
    plain: Endpoint[Any] = Endpoint(
        method="POST", path="/orders", summary="Order.", handle=handle, responses={204: None}
    )
    return plain._replace(**changes)


def of(*endpoints: Endpoint[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the document as clients see it and as API Gateway does; the former is valid."""
    checked = validate_endpoints(
        {str(number): endpoint for number, endpoint in enumerate(endpoints)}
    )
    client = build(checked, ABOUT)
    validate(client)
    return client, gateway.to_api_gateway(client, checked, SETTINGS)


def keywords(value: Any) -> set[str]:
    """Return the keywords of all schemas in a value."""
    if isinstance(value, list):
        return set().union(*map(keywords, value)) if value else set()
    if not isinstance(value, Mapping):
        return set()
    inner = [v for k, v in value.items() if k != "properties"]
    inner += list(value.get("properties", {}).values())
    return set(value) | set().union(*map(keywords, inner)) if value else set()


def test_types_are_written_as_openapi_3_0_has_them() -> None:
    client, _ = of(endpoint(body=Order, responses={200: Page[Tag]}))
    schemas = client["components"]["schemas"]
    assert set(schemas) >= {"Order", "Tag", "Size", "PageTag", "Problem"}  # [1.2]
    order = schemas["Order"]["properties"]
    assert schemas["Size"] == {
        "title": "Size",
        "type": "string",
        "enum": ["large", "small"],
    }
    assert order["tags"] == {"type": "array", "items": {"$ref": "#/components/schemas/Tag"}}
    assert order["first"] == {"$ref": "#/components/schemas/Tag"}  # [1.5]
    kinds = [member["properties"]["type"]["enum"] for member in order["payment"]["anyOf"]]
    assert sorted(kinds) == [["card"], ["cash"]]  # [1.8, 1.9, 1.13]
    assert "discriminator" not in order["payment"]
    assert order["picture"] == {"type": "string", "format": "byte", "default": ""}
    assert schemas["Tag"]["properties"]["name"]["example"] == "red"
    (amount,) = (
        member["properties"]["amount"]
        for member in order["payment"]["anyOf"]
        if "amount" in member["properties"]
    )
    assert amount == {"type": "number", "format": "double"}


def test_answers_may_grow_and_bodies_may_not() -> None:
    client, _ = of(endpoint(body=Tag, responses={200: Page[Tag]}))
    schemas = client["components"]["schemas"]
    assert schemas["PageTag"]["additionalProperties"] is True
    assert schemas["Problem"]["additionalProperties"] is True
    assert schemas["Tag"]["additionalProperties"] is False


@pytest.mark.conformance
def test_what_is_imported_has_no_word_that_api_gateway_loses_or_refuses() -> None:
    shipped = gateway.to_api_gateway(build(load_endpoints(), ABOUT), load_endpoints(), SETTINGS)
    _, rich = of(endpoint(body=Order, responses={200: Page[Tag]}, cors=("https://a.example",)))
    for imported in (shipped, rich):
        used = keywords(imported["components"]["schemas"])
        lost = {"const", "examples", "example", "default", "deprecated", "nullable", "oneOf"}
        assert not used & (lost | {"allOf", "discriminator", "prefixItems", "contentEncoding"})
        assert len(gateway.text(imported)) < 6_000_000  # [6.1]
        assert "servers" not in imported and "security" not in imported  # [1.18, 1.19]
        for path in imported["paths"].values():
            for method, operation in path.items():
                for parameter in operation.get("parameters", ()):  # [1.14]
                    assert parameter["schema"] == {"type": "string"}
                    assert parameter["in"] in {"path", "query", "header"}  # [1.15]
                if not method.startswith("x-"):
                    assert set(operation["responses"]) and "default" not in operation["responses"]


def test_a_path_catches_the_methods_that_no_endpoint_takes() -> None:
    _, imported = of(endpoint(), endpoint(path="/open", auth=Public()))
    keyed, public = imported["paths"]["/orders"], imported["paths"]["/open"]
    assert keyed["post"]["security"]
    assert keyed["x-amazon-apigateway-any-method"]["security"] == keyed["post"]["security"]
    assert "security" not in public["post"]  # [4.3]
    assert "security" not in public["x-amazon-apigateway-any-method"]  # [4.4]
    for path in (keyed, public):
        assert (
            "x-amazon-apigateway-request-validator"
            not in (
                path["x-amazon-apigateway-any-method"]  # [4.5]
            )
        )
        for operation in path.values():
            integration = operation["x-amazon-apigateway-integration"]
            assert integration == {"type": "aws_proxy", "httpMethod": "POST", "uri": "arn:invoke"}


def test_the_gateway_validates_parameters_and_leaves_bodies_to_the_function() -> None:
    _, imported = of(endpoint(body=Tag), endpoint(method="PUT"))
    path = imported["paths"]["/orders"]
    validators = imported["x-amazon-apigateway-request-validators"]
    for method in ("post", "put"):
        validator = validators[path[method]["x-amazon-apigateway-request-validator"]]
        assert validator == {"validateRequestParameters": True, "validateRequestBody": False}
    content = path["post"]["requestBody"]["content"]
    assert content == {"application/json": {"schema": {"$ref": "#/components/schemas/Tag"}}}
    assert "415" in path["post"]["responses"] and "415" not in path["put"]["responses"]


def test_one_origin_may_read_the_gateways_own_answers_and_several_need_all() -> None:
    def origin(*cors: str) -> str | None:
        _, imported = of(endpoint(cors=cors))
        answers = imported["x-amazon-apigateway-gateway-responses"].values()
        header = "gatewayresponse.header.Access-Control-Allow-Origin"
        (found,) = {answer["responseParameters"].get(header) for answer in answers}
        return found

    assert origin() is None
    assert origin("https://a.example") == "'https://a.example'"
    assert origin("https://a.example", "https://b.example") == "'*'"  # [5.5, 5.6]


def test_a_preflight_needs_no_key_and_knows_every_origin() -> None:
    origins = ("https://a.example", "https://b.example")
    client, imported = of(endpoint(cors=origins), endpoint(method="PUT", cors=origins))
    preflight = imported["paths"]["/orders"]["options"]
    assert "options" not in client["paths"]["/orders"]
    assert "security" not in preflight  # [5.2]
    assert "x-amazon-apigateway-request-validator" not in preflight
    integration = preflight["x-amazon-apigateway-integration"]
    (answer,) = integration["responses"].values()
    sent = answer["responseParameters"]
    assert sent["method.response.header.Access-Control-Allow-Origin"] == "'https://a.example'"
    assert sent["method.response.header.Access-Control-Allow-Methods"] == "'POST,PUT'"
    assert "x-api-key" in sent["method.response.header.Access-Control-Allow-Headers"]
    assert preflight["responses"].keys() == {"204", "429"}
    declared_headers = preflight["responses"]["204"]["headers"]
    assert {f"method.response.header.{name}" for name in declared_headers} == set(sent)
    assert '"https://b.example"' in answer["responseTemplates"]["application/json"]  # [5.3]
    status = json.loads(integration["requestTemplates"]["application/json"])["statusCode"]
    assert str(status) == answer["statusCode"]  # [5.1]


def test_the_api_and_each_operation_are_documented_once() -> None:
    client, imported = of(
        endpoint(
            path="/orders/{id}",
            path_parameters=(Parameter(name="id", description="Which."),),
            query=(Parameter(name="full", description="All of it."),),
            body=Tag,
        ),
        endpoint(),
    )
    parts = imported["x-amazon-apigateway-documentation"]["documentationParts"]
    operations = [("/orders", "POST"), ("/orders/{id}", "POST")]
    named = [(part["location"]["path"], part["location"]["method"]) for part in parts[1:]]
    assert sorted(named) == operations
    assert all(part["properties"] == {"summary": "Order."} for part in parts[1:])
    assert parts[0]["properties"]["info"]["description"] == client["info"]["description"]
    assert "version" not in imported["x-amazon-apigateway-documentation"]  # [2.6]


def test_413_is_nobodys_to_shape() -> None:
    client, imported = of(endpoint())
    assert "REQUEST_TOO_LARGE" not in imported["x-amazon-apigateway-gateway-responses"]  # [4.10]
    assert "content" not in client["paths"]["/orders"]["post"]["responses"]["413"]


PNG, CSV = Raw("image/png"), Raw("text/csv")


def test_bodies_that_are_not_json_have_their_media_types_for_clients_only() -> None:
    post = endpoint(body=Form(Tag), responses={200: CSV, 201: list[Tag], 302: None})
    client, imported = of(post, endpoint(method="PUT", body=PNG, max_body_bytes=1_000))
    posted, put = (client["paths"]["/orders"][method] for method in ("post", "put"))
    form = {"application/x-www-form-urlencoded": {"schema": {"$ref": "#/components/schemas/Tag"}}}
    assert posted["requestBody"]["content"] == form
    responses = posted["responses"]
    assert responses["200"]["content"] == {"text/csv": {"schema": {"type": "string"}}}
    assert "content" not in responses["302"]
    (array,) = responses["201"]["content"].values()
    assert array == {"schema": {"$ref": "#/components/schemas/TagList"}}
    assert client["components"]["schemas"]["TagList"] == {
        "title": "TagList",
        "type": "array",
        "items": {"$ref": "#/components/schemas/Tag"},
    }
    binary = {"image/png": {"schema": {"type": "string", "format": "binary"}}}
    assert put["requestBody"]["content"] == binary
    assert put["responses"]["415"]["description"] == "The media type of the body is not image/png."
    assert put["responses"]["413"]["description"] == "The body is larger than 1,000 bytes."
    sent, stored = (imported["paths"]["/orders"][method] for method in ("post", "put"))
    assert "requestBody" not in sent and "requestBody" not in stored
    assert "content" not in sent["responses"]["200"]
    assert sent["responses"]["201"]["content"] == responses["201"]["content"]


def test_only_an_endpoint_with_bytes_makes_the_api_binary() -> None:
    cors = ("https://a.example",)
    for changes, types in (
        ({"responses": {200: CSV}, "body": Raw("application/json")}, None),
        ({"responses": {200: PNG}}, ["*/*"]),
        ({"body": Raw("*/*")}, ["*/*"]),
    ):
        _, imported = of(endpoint(cors=cors, **changes))
        assert imported.get("x-amazon-apigateway-binary-media-types") == types
        preflight = imported["paths"]["/orders"]["options"]["x-amazon-apigateway-integration"]
        # Without it, API Gateway answers a preflight of a binary API with 500.
        assert preflight.get("contentHandling") == ("CONVERT_TO_TEXT" if types else None)


def test_api_gateway_compresses_from_the_least_size_of_an_endpoint() -> None:
    name = "x-amazon-apigateway-minimum-compression-size"
    assert name not in of(endpoint())[1]
    sizes = (endpoint(compress_from_bytes=2_000), endpoint(path="/a", compress_from_bytes=0))
    assert of(*sizes)[1][name] == 0


class Listing(msgspec.Struct):
    """The query of a list."""

    size: Annotated[Size, msgspec.Meta(description="Its size.")]
    limit: Annotated[
        int, msgspec.Meta(ge=1, le=100, description="At most so many.", examples=[5])
    ] = 20
    tag: Annotated[list[str], msgspec.Meta(description="All of these.")] = []
    since: Annotated[int | None, msgspec.Meta(description="A Unix second.")] = None


def test_the_parameters_of_a_type_are_its_fields() -> None:
    client, imported = of(endpoint(method="GET", query=Listing))
    size, limit, tag, since = client["paths"]["/orders"]["get"]["parameters"]
    assert size == {
        "name": "size",
        "in": "query",
        "required": True,
        "description": "Its size.",
        "schema": {"type": "string", "enum": ["large", "small"]},
    }
    assert not limit["required"] and limit["description"] == "At most so many."
    assert limit["schema"] == {
        **{"type": "integer", "minimum": 1, "maximum": 100, "default": 20, "example": 5}
    }
    assert tag["schema"] == {"type": "array", "items": {"type": "string"}, "default": []}
    assert since["schema"] == {"type": "integer"} and not since["required"]
    plain = imported["paths"]["/orders"]["get"]["parameters"]
    assert [one["schema"] for one in plain] == [{"type": "string"}] * 4
    # The function's 400 names a missing parameter; API Gateway's does not.
    assert not any(one["required"] for one in plain)


class Nullable(msgspec.Struct, forbid_unknown_fields=True):
    """A member that may be null."""

    name: str | None = None


class OptionalTag(msgspec.Struct, forbid_unknown_fields=True):
    """A type of its own, or null."""

    tag: Optional[Tag] = None  # noqa: UP045


class NestedNull(msgspec.Struct, forbid_unknown_fields=True):
    """Null behind a reference."""

    all: list[OptionalTag]


def test_null_is_documented_for_clients_and_unknown_to_api_gateway() -> None:
    client, imported = of(endpoint(body=NestedNull, responses={200: Nullable}))
    schemas = client["components"]["schemas"]
    name = {"type": "string", "nullable": True, "default": None}
    assert schemas["Nullable"]["properties"]["name"] == name
    tag = schemas["OptionalTag"]["properties"]["tag"]
    assert tag["nullable"] and tag["properties"]["name"]["type"] == "string"
    assert "nullable" not in gateway.text(imported)


class Undescribed(msgspec.Struct):
    """A query whose field has no description."""

    limit: int = 1


class Pair(msgspec.Struct, forbid_unknown_fields=True):
    """An array of several types."""

    pair: tuple[int, str]


class Above(msgspec.Struct, forbid_unknown_fields=True):
    """An exclusive bound."""

    more: Annotated[int, msgspec.Meta(gt=0)]


class Anything(msgspec.Struct, forbid_unknown_fields=True):
    """An array of anything."""

    anything: list  # type: ignore[type-arg]


class Open(msgspec.Struct):
    """An object that takes more than it names."""

    name: str


class LiteralNull(msgspec.Struct, forbid_unknown_fields=True):
    """A literal that is null."""

    colour: Literal["red", None]


SENT = {"title": "Sent", "type": "object"}


def _answer(**schema: Any) -> dict[str, Any]:
    return {"responses": {200: {**SENT, **schema}}}


@pytest.mark.parametrize(
    ("changes", "says"),
    (
        *(
            (_answer(properties={"a": part}), r"Sent\.a(\[\])?: .*|may be null")
            for part in (
                {"anyOf": [{"type": "string"}, {"enum": [None]}]},
                {"type": "string", "enum": ["a", None]},
                {"enum": [None]},
                {"type": "null"},
                {"type": ["string", "null"]},
                {"const": None},
                {"oneOf": [{"type": "string"}, {"type": "null"}]},
                {"anyOf": [{"anyOf": [{"type": "null"}]}]},
                {"type": "array", "items": {"enum": [1, None]}},
            )
        ),
        ({"body": LiteralNull}, "LiteralNull.colour may be null; use a type"),
        (
            {"body": Pair},
            r"body: Pair.pair: API Gateway does not support 'prefixItems'; use an object",
        ),
        (
            {"body": Above},
            r"Above.more: API Gateway does not support 'exclusiveMinimum'; use 'minimum'",
        ),
        ({"body": Anything}, "Anything.anything: an array needs 'items'"),
        (
            {"body": Open},
            "Open: an object of a request body must be closed: .*forbid_unknown_fields=True",
        ),
        ({"body": dict[str, int]}, "must be a class with fields, or a list of one"),
        ({"body": Size}, "Size must have 'type': 'object' or 'array'"),
        ({"responses": {200: {"type": "object"}}}, "a schema needs a 'title'"),
        (_answer(title="An order"), "a schema needs a 'title'"),
        (_answer(allOf=[]), "Sent: API Gateway does not support 'allOf'"),
        (
            _answer(properties={"a": {"const": 1}}),
            "Sent.a: .* support 'const'; use 'e",
        ),
        (_answer(properties={"a": {"type": "text"}}), "Sent.a: 'type' must be one"),
        (_answer(properties={"a": {"type": ["string", "null"]}}), "Sent.a: 'type'"),
        (
            _answer(properties={"a": {"type": "number"}}),
            "a number needs a 'format'",
        ),
        (_answer(properties={"a": {"type": "array"}}), "an array needs 'items'"),
        (_answer(properties={"a": {"$ref": "#/components/schemas/B"}}), r"\$ref"),
        (_answer(required=[]), "leave out an empty 'required'"),
        (_answer(description="ends */ here"), r"'\*/' in a description"),
        ({"body": Tag, "method": "GET"}, "a GET request has no body"),
        ({"responses": {200: {"title": "A", "type": "string"}}}, "A must have 'type': 'object'"),
        ({"query": Undescribed}, r"Undescribed.limit needs a description: Annotated\["),
        ({"path_parameters": Undescribed}, "path_parameters must describe"),
        ({"responses": {200: Raw("csv")}}, "media_type: 'csv' is not a media type"),
        ({"max_body_bytes": 7_000_000}, "max_body_bytes must be from 1 to 6,291,456"),
        ({"cors": ("*",), "method": "OPTIONS"}, "API Gateway handles OPTIONS"),
        (
            {"response_headers": (Parameter(name="WWW-Authenticate", description="How."),)},
            "WWW-Authenticate: API Gateway reserves it",  # [1.17]
        ),
        *(
            (
                {"request_headers": (Parameter(name, "How."),)},
                f"{name}: OpenAPI ignores it; read it",
            )
            for name in ("Authorization", "accept", "Content-Type")
        ),
        ({"problems": {302: None}}, "problems must map HTTP statuses from 400 to 599"),
        ({"problems": {409: {"type": "object"}}}, "problem 409: a schema needs a 'title'"),
        ({"summary": "A */ comment."}, r"'\*/' would end a comment"),  # [1.23]
        (
            {"query": (Parameter(name="q", description="A */ comment."),)},
            r"'\*/' would end a comment",
        ),
        ({"path": "/a/pre{id}"}, "path: .* is not /segments"),  # [1.16]
    ),
)
def test_what_cannot_be_imported_is_refused_where_it_is_declared(
    changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(DeclarationError, match=f"(^|[.]py: )[A-Z]+ /[a-z/{{}}]+: .*{says}"):
        of(endpoint(**changes))


def test_two_types_of_one_name_and_two_origins_of_one_path_are_refused() -> None:
    other = _answer(title="Tag")
    says = "PUT /orders: response 200: another type has the name Tag too, in POST /orders: body; r"
    with pytest.raises(DeclarationError, match=says):
        of(endpoint(body=Tag), endpoint(method="PUT", **other))
    with pytest.raises(DeclarationError, match="PUT /orders: cors must be that of the path's"):
        of(endpoint(cors=("*",)), endpoint(method="PUT"))


def test_every_operation_has_each_problem_with_its_media_type_and_headers() -> None:
    client, _ = of(endpoint())
    schemas = client["components"]["schemas"]
    operation = client["paths"]["/orders"][endpoint().method.lower()]
    answers = {s: a for s, a in operation["responses"].items() if s >= "400"}
    assert {"400", "403", "404", "405", "413", "429", "500", "503", "504"} <= set(answers)
    assert "content" not in answers.pop("413")
    for status, answer in answers.items():
        assert not answer["description"].endswith("response")
        ((kind, content),) = answer["content"].items()
        assert kind == "application/problem+json"
        schema = schemas[content["schema"]["$ref"].rsplit("/", 1)[1]]
        assert sorted(schema["required"]) == sorted(schema["properties"])
        assert ("Retry-After" in answer.get("headers", {})) == (status in {"429", "503"})


def test_a_second_type_of_a_name_names_both_files(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = endpoint(body=Tag), endpoint(method="PUT", **_answer(title="Tag"))
    modules = {"post_order": first, "put_order": second}
    monkeypatch.setattr(document, "endpoints_by_module", lambda: modules)
    says = (
        r"^function/endpoints/put_order\.py: PUT /orders: response 200: another type has the name Tag too, "
        r"in function/endpoints/post_order\.py: POST /orders: body; rename one$"
    )
    with pytest.raises(DeclarationError, match=says):
        of(first, second)


class OutOfStock(msgspec.Struct):
    """The further members of a problem."""

    left: int


def test_declared_problems_and_redirects_are_in_the_document() -> None:
    location = (Parameter("Location", "Where it is."),)
    problems = {401: None, 409: OutOfStock, 404: {**SENT, "title": "Missing"}}
    client, imported = of(
        endpoint(responses={302: None}, response_headers=location, problems=problems)
    )
    responses = client["paths"]["/orders"]["post"]["responses"]
    assert responses["302"]["headers"].keys() == {"Location"} and "content" not in responses["302"]
    assert responses["404"]["description"] == "No such route or resource exists."
    kinds = {
        status: response["content"]["application/problem+json"]["schema"]["$ref"].split("/")[-1]
        for status, response in responses.items()
        if status in {"400", "401", "404", "409"}
    }
    assert kinds == {"400": "Problem", "401": "Problem", "404": "Missing", "409": "OutOfStock"}
    schemas = client["components"]["schemas"]
    members = {*schemas["Problem"]["properties"], "left"}
    assert set(schemas["OutOfStock"]["properties"]) == members
    assert set(schemas["OutOfStock"]["required"]) == members
    assert "409" in imported["paths"]["/orders"]["post"]["responses"]


def test_a_repeated_parameter_is_an_array_in_the_document_and_plain_for_api_gateway() -> None:
    tag = Parameter("tag", "A tag.", pattern="^[a-z]$", example="a", repeated=True)
    client, imported = of(endpoint(query=(tag,)))
    parameter, plain = (
        next(
            one
            for one in document_["paths"]["/orders"]["post"]["parameters"]
            if one["in"] == "query"
        )
        for document_ in (client, imported)
    )
    schema = {"type": "array", "items": {"type": "string", "pattern": "^[a-z]$"}}
    assert (parameter["schema"], parameter["example"]) == (schema, ["a"])
    assert plain["schema"] == {"type": "string"} and "example" not in plain
