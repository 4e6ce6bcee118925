"""Validates OpenAPI documents as API Gateway's import does.

An error always stops an import, a warning only with `failonwarnings`. The rules come from AWS's
documentation and from recorded responses. Where AWS's text is unknown, the text is ours.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ministack.services import apigateway_v1

Spec = dict[str, Any]

EXTENSION = "x-amazon-apigateway-"
ANY = f"{EXTENSION}any-method"
VERBS = ("get", "put", "post", "delete", "patch", "head", "options")
_SCHEMAS = "#/components/schemas/"

# The members of each object of OpenAPI 3.0; the parser reports all others, except x-….
_KNOWN: Mapping[str, frozenset[str]] = {
    kind: frozenset(members.split())
    for kind, members in {
        "document": "openapi info servers paths components security tags externalDocs",
        "info": "title description termsOfService contact license version",
        "components": "schemas responses parameters examples requestBodies headers "
        "securitySchemes links callbacks",
        "path": "summary description servers parameters trace " + " ".join(VERBS),
        "operation": "tags summary description externalDocs operationId parameters requestBody "
        "responses callbacks deprecated security servers",
        "parameter": "name in description required deprecated allowEmptyValue style explode "
        "allowReserved schema example examples content",
        "header": "description required deprecated style explode schema example examples content",
        "requestBody": "description content required",
        "response": "description headers content links",
        "media": "schema example examples encoding",
        "scheme": "type description name in scheme bearerFormat flows openIdConnectUrl",
        "schema": "$ref title multipleOf maximum exclusiveMaximum minimum exclusiveMinimum "
        "maxLength minLength pattern maxItems minItems uniqueItems maxProperties minProperties "
        "required enum type allOf oneOf anyOf not items properties additionalProperties "
        "description format default nullable discriminator readOnly writeOnly xml externalDocs "
        "example deprecated",
    }.items()
}
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "document": ("info", "paths"),
    "info": ("title", "version"),
    "operation": ("responses",),
    "parameter": ("name", "in"),
    "response": ("description",),
}
_UNSUPPORTED = ("default", "deprecated", "discriminator", "example", "readOnly")
_COMPOSED = ("allOf", "anyOf", "oneOf")

# The fields of a documentation part's location, by its type.
_LOCATIONS: Mapping[str, frozenset[str]] = {
    "API": frozenset(),
    **dict.fromkeys(("AUTHORIZER", "MODEL"), frozenset({"name"})),
    "RESOURCE": frozenset({"path"}),
    **dict.fromkeys(("METHOD", "REQUEST_BODY"), frozenset({"path", "method"})),
    **dict.fromkeys(
        ("PATH_PARAMETER", "QUERY_PARAMETER", "REQUEST_HEADER"),
        frozenset({"path", "method", "name"}),
    ),
    **dict.fromkeys(("RESPONSE", "RESPONSE_BODY"), frozenset({"path", "method", "statusCode"})),
    "RESPONSE_HEADER": frozenset({"path", "method", "statusCode", "name"}),
}


class Node(NamedTuple):
    """An object of the document: its kind, its place in the parser's notation, its members."""

    kind: str
    where: str
    fields: Spec


class Operation(NamedTuple):
    """A method on a path, with its parameters and those of the path."""

    path: str
    verb: str
    fields: Spec
    parameters: list[Spec]

    @property
    def method(self) -> str:
        """The method's name in API Gateway."""
        return "ANY" if self.verb == ANY else self.verb.upper()


def operations(spec: Spec) -> Iterator[Operation]:
    """Yield all operations, including those of any-method."""
    for path, item in spec.get("paths", {}).items():
        for verb in (*VERBS, ANY):
            if verb in item:
                shared = item.get("parameters", []) + item[verb].get("parameters", [])
                yield Operation(path, verb, item[verb], shared)


def variables(path: str) -> list[str]:
    """Return the names of a path's variables."""
    return re.findall(r"\{([^}+]+)\+?\}", path)


def places(path: str) -> list[str]:
    """Return the paths of a path's resources, from the root down."""
    parts = list(filter(None, path.split("/")))
    return ["/", *("/" + "/".join(parts[:length]) for length in range(1, len(parts) + 1))]


def _schema(where: str, fields: Any) -> Iterator[Node]:
    if not isinstance(fields, dict):  # additionalProperties: true
        return
    yield Node("schema", where, fields)
    for name, inner in fields.get("properties", {}).items():
        yield from _schema(f"{where}.{name}", inner)
    for key in ("items", "additionalProperties", "not"):
        yield from _schema(f"{where}.{key}", fields.get(key))
    for key in _COMPOSED:
        for inner in fields.get(key, []):
            yield from _schema(f"{where}.{key}", inner)


def _content(where: str, fields: Spec) -> Iterator[Node]:
    for name, media in fields.get("content", {}).items():
        yield Node("media", f"{where}.content.'{name}'", media)
        yield from _schema(f"{where}.content.'{name}'.schema", media.get("schema"))


def _nodes(spec: Spec) -> Iterator[Node]:
    """Yield the objects that the parser reads: no extensions, so no any-method."""
    components = spec.get("components", {})
    yield Node("document", "", spec)
    yield Node("info", "info", spec.get("info", {}))
    yield Node("components", "components", components)
    for name, fields in components.get("schemas", {}).items():
        yield from _schema(f"components.schemas.{name}", fields)
    for name, fields in components.get("securitySchemes", {}).items():
        yield Node("scheme", f"components.securitySchemes.{name}", fields)
    for path, item in spec.get("paths", {}).items():
        yield Node("path", f"paths.'{path}'", item)
    for operation in operations(spec):
        if operation.verb == ANY:
            continue
        where, fields = f"paths.'{operation.path}'({operation.verb})", operation.fields
        yield Node("operation", where, fields)
        for parameter in operation.parameters:
            at = f"{where}.parameters.[{parameter.get('name')}]"
            yield Node("parameter", at, parameter)
            yield from _schema(f"{at}.schema", parameter.get("schema"))
        yield Node("requestBody", f"{where}.requestBody", fields.get("requestBody", {}))
        yield from _content(f"{where}.requestBody", fields.get("requestBody", {}))
        for status, response in fields.get("responses", {}).items():
            yield Node("response", f"{where}.responses.{status}", response)
            yield from _content(f"{where}.responses.{status}", response)
            for name, header in response.get("headers", {}).items():
                yield Node("header", f"{where}.responses.{status}.headers.{name}", header)


# -- warnings -------------------------------------------------------------------------------------
def _parsed(spec: Spec) -> Iterator[str]:
    """Report members that OpenAPI 3.0 lacks, and missing members that it requires."""
    for kind, where, fields in _nodes(spec):
        within = f"{where}." if where else ""
        for member in sorted(fields.keys() - _KNOWN[kind]):
            if not member.startswith("x-"):
                yield f"attribute {within}{member} is unexpected"
        for member in _REQUIRED.get(kind, ()):
            if member not in fields:
                yield f"attribute {within}{member} is missing"
        if kind == "schema" and not isinstance(fields.get("type", ""), str):
            yield f"attribute {where}.type is not of type `string`"
        elif kind == "schema" and fields.get("type") == "array":
            if not isinstance(fields.get("items"), dict):
                yield f"attribute {where}.items is missing"


def _one_server(spec: Spec) -> Iterator[str]:
    if len(spec.get("servers", [])) > 1:
        yield "More than one server provided. Ignoring all but the first for defining endpoint"


def _names(spec: Spec) -> Iterator[str]:
    """Report repeated operation ids, and path variables without a parameter."""
    names: Counter[str] = Counter()
    for path, verb, fields, parameters in operations(spec):
        if verb == ANY:
            continue
        names[fields.get("operationId", "")] += 1
        if fields.get("operationId") and names[fields["operationId"]] == 2:
            yield f"attribute paths.'{path}'({verb}).operationId is repeated"
        declared = {one.get("name") for one in parameters if one.get("in") == "path"}
        for name in variables(path):
            if name not in declared:
                yield (
                    f"attribute paths.'{path}'. Declared path parameter {name} needs to be defined "
                    "as a path parameter in path or operation level"
                )


def _references(spec: Spec) -> Iterator[str]:
    """Report references to anything but the document's schemas."""
    known = spec.get("components", {}).get("schemas", {})
    for kind, where, fields in _nodes(spec):
        if kind == "schema" and "$ref" in fields:
            if fields["$ref"].removeprefix(_SCHEMAS) not in known:
                yield f"attribute {where}.$ref is missing: {fields['$ref']}"


def _keywords(spec: Spec) -> Iterator[str]:
    for kind, where, fields in _nodes(spec):
        if kind != "schema" or "$ref" in fields:  # keywords beside a reference are ignored
            continue
        if found := [keyword for keyword in _UNSUPPORTED if keyword in fields]:
            yield f"Unsupported keyword(s): [{', '.join(found)}] in {where}"
        for keyword in _COMPOSED:
            if any("$ref" in inner for inner in fields.get(keyword, [])):
                yield f"Unsupported {keyword} with $ref in {where}. Ignoring."


def _models(spec: Spec) -> Iterator[str]:
    """Report bodies that are neither an object nor an array, and composed ones."""
    known = spec.get("components", {}).get("schemas", {})
    for kind, where, fields in _nodes(spec):
        if kind != "media":
            continue
        schema = fields.get("schema", {})
        schema = known.get(schema.get("$ref", "").removeprefix(_SCHEMAS), schema)
        model = "composed" if schema.keys() & {*_COMPOSED} else schema.get("type", "object")
        if model not in ("object", "array"):
            yield f"Unsupported model type '{str(model).title()}Schema' in {where}. Ignoring."


def _schemes(spec: Spec) -> Iterator[str]:
    for kind, where, fields in _nodes(spec):
        if kind == "scheme" and fields.get("type") != "apiKey":
            found = fields.get("type")
            yield f"Unsupported security definition type '{found}' in {where}. Ignoring."


# -- errors ---------------------------------------------------------------------------------------
def _alphanumeric(spec: Spec) -> Iterator[str]:
    for name in spec.get("components", {}).get("schemas", {}):
        if not re.fullmatch(r"[A-Za-z0-9]+", name):
            yield f"Unable to create model for '{name}': Model name must be alphanumeric: {name}"


def _paths(spec: Spec) -> Iterator[str]:
    """Segments are plain or one variable each, and siblings have at most one variable."""
    siblings: dict[str, str] = {}
    for path in spec.get("paths", {}):
        refused = f"Unable to create resource at path '{path}': "
        if not path.startswith("/"):
            yield f"{refused}it must start with a slash"
        place = ""
        for segment in filter(None, path.split("/")):
            if not re.fullmatch(r"[\w.:,-]+|\{[\w.:-]+\+?\}", segment, re.ASCII):
                yield (
                    f"{refused}Resource's path part only allow a-zA-Z0-9._-:, and curly braces at "
                    "the beginning and the end"
                )
            elif segment.endswith("+}") and not path.endswith(segment):
                yield f"{refused}a greedy variable must be the last part"
            elif segment.startswith("{") and siblings.setdefault(place, segment) != segment:
                yield (
                    f"{refused}A sibling ({siblings[place]}) of this resource already has a "
                    "variable path part -- only one is allowed"
                )
            place += f"/{segment}"


def _integrations(spec: Spec) -> Iterator[str]:
    for operation in operations(spec):
        fields = operation.fields.get(f"{EXTENSION}integration")
        if fields is None:
            continue
        refused = f"Unable to put integration on '{operation.method}' for resource at path "
        refused += f"'{operation.path}': "
        types = ("aws", "aws_proxy", "http", "http_proxy", "mock")
        if not isinstance(fields, dict) or str(fields.get("type")).lower() not in types:
            yield (
                "Unable to parse API definition because of a malformed integration at path "
                f"{operation.path}"
            )
            continue
        if fields["type"].lower() != "mock" and not fields.get("httpMethod"):
            yield f"{refused}Enumeration value for HttpMethod must be non-empty"
        if fields["type"].lower() != "mock" and not fields.get("uri"):
            yield f"{refused}Invalid ARN specified in the request"
        if not all(
            isinstance(value, str) for value in fields.get("requestParameters", {}).values()
        ):
            yield f"{refused}Invalid format for 'requestParameters'"


def _validators(spec: Spec) -> Iterator[str]:
    known = {None, *spec.get(f"{EXTENSION}request-validators", {})}
    for node in (spec, *(operation.fields for operation in operations(spec))):
        if (name := node.get(f"{EXTENSION}request-validator")) not in known:
            yield f"Invalid request validator '{name}' specified"


def _gateway_responses(spec: Spec) -> Iterator[str]:
    for kind, fields in spec.get(f"{EXTENSION}gateway-responses", {}).items():
        if kind not in apigateway_v1._GATEWAY_RESPONSE_TYPES:
            yield f"Invalid gateway response type: {kind}"
        if not re.fullmatch(r"[1-5]\d\d", str(fields.get("statusCode", 200))):
            yield f"Invalid status code of gateway response {kind}: {fields['statusCode']}"


def _documentation(spec: Spec) -> Iterator[str]:
    seen = set()
    for part in spec.get(f"{EXTENSION}documentation", {}).get("documentationParts", []):
        location = part["location"]
        fields = {key for key in location if key != "type"}
        where = json.dumps(location, sort_keys=True)
        if location.get("type") not in _LOCATIONS or fields - _LOCATIONS[location["type"]]:
            yield f"Invalid documentation part location: {where}"
        if where in seen:
            yield f"Documentation part already exists for the specified location: {where}"
        seen.add(where)


def _limits(spec: Spec) -> Iterator[str]:
    schemas = spec.get("components", {}).get("schemas", {}).values()
    integrations = [one.fields.get(f"{EXTENSION}integration") or {} for one in operations(spec)]
    templates = [
        template
        for fields in integrations
        if isinstance(fields, dict)
        for holder in (fields, *fields.get("responses", {}).values())
        for key in ("requestTemplates", "responseTemplates")
        for template in holder.get(key, {}).values()
    ]
    resources = {place for path in spec.get("paths", {}) for place in places(path)}
    parts = spec.get(f"{EXTENSION}documentation", {}).get("documentationParts", [])
    for what, found, most in (
        ("Bytes of a model", max((len(json.dumps(one)) for one in schemas), default=0), 400 * 1024),
        ("Bytes of a mapping template", max(map(len, templates), default=0), 300 * 1024),
        ("Bytes of the policy", len(json.dumps(spec.get(f"{EXTENSION}policy", ""))), 8192),
        ("Resources", len(resources), 300),
        ("Documentation parts", len(parts), 2000),
    ):
        if found > most:
            yield f"{what}: {found}, and at most {most} are allowed"


Rule = Callable[[Spec], Iterator[str]]

_WARNINGS: tuple[Rule, ...] = (
    *(_parsed, _one_server, _names, _references, _keywords, _models, _schemes),
)
_ERRORS: tuple[Rule, ...] = (
    *(_alphanumeric, _paths, _integrations, _validators, _gateway_responses, _documentation),
    _limits,
)


def errors(spec: Spec) -> list[str]:
    """Return the errors of a document.

    Raises AttributeError, KeyError, TypeError or ValueError for a malformed document.
    """
    if not re.fullmatch(r"3\.0(\.\d+)?", str(spec["openapi"])):
        return ["Invalid OpenAPI input."]
    return [message for rule in _ERRORS for message in rule(spec)]


def warnings(spec: Spec) -> list[str]:
    """Return the warnings for a document."""
    return [message for rule in _WARNINGS for message in rule(spec)]
