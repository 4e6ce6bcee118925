"""Validates OpenAPI documents as API Gateway's import does, by the rules that a declaration can
break.

An error always stops an import, a warning only with `failonwarnings`. The rules come from AWS's
documentation and from recorded responses. Where AWS's text is unknown, the text is ours. The
builder of the document is trusted with the rest: its tests validate documents by OpenAPI 3.0.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

Spec = dict[str, Any]

EXTENSION = "x-amazon-apigateway-"
ANY = f"{EXTENSION}any-method"
VERBS = ("get", "put", "post", "delete", "patch", "head", "options")
_SCHEMAS = "#/components/schemas/"

# The members of a schema in OpenAPI 3.0; the parser reports all others, except x-….
_KNOWN = frozenset(
    (
        "$ref title multipleOf maximum exclusiveMaximum minimum exclusiveMinimum "
        "maxLength minLength pattern maxItems minItems uniqueItems maxProperties minProperties "
        "required enum type allOf oneOf anyOf not items properties additionalProperties "
        "description format default nullable discriminator readOnly writeOnly xml externalDocs "
        "example deprecated"
    ).split()
)
_UNSUPPORTED = ("default", "deprecated", "discriminator", "example", "readOnly")
_COMPOSED = ("allOf", "anyOf", "oneOf")


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


def _schema(where: str, fields: Any) -> Iterator[tuple[str, Spec]]:
    """Yield a schema and the schemas within it, each with its place in the parser's notation."""
    if not isinstance(fields, dict):  # additionalProperties: true
        return
    yield where, fields
    for name, inner in fields.get("properties", {}).items():
        yield from _schema(f"{where}.{name}", inner)
    for key in ("items", "additionalProperties", "not"):
        yield from _schema(f"{where}.{key}", fields.get(key))
    for key in _COMPOSED:
        for inner in fields.get(key, []):
            yield from _schema(f"{where}.{key}", inner)


def _bodies(spec: Spec) -> Iterator[tuple[str, Spec]]:
    """Yield the schemas of bodies; the parser ignores extensions, so any-method."""
    for operation in operations(spec):
        if operation.verb == ANY:
            continue
        where, fields = f"paths.'{operation.path}'({operation.verb})", operation.fields
        parts = {f"responses.{status}": one for status, one in fields.get("responses", {}).items()}
        parts["requestBody"] = fields.get("requestBody", {})
        for part, holder in parts.items():
            for name, media in holder.get("content", {}).items():
                yield f"{where}.{part}.content.'{name}'", media.get("schema", {})


def _schemas(spec: Spec) -> Iterator[tuple[str, Spec]]:
    """Yield all schemas of the document."""
    for name, fields in spec.get("components", {}).get("schemas", {}).items():
        yield from _schema(f"components.schemas.{name}", fields)
    for where, fields in _bodies(spec):
        yield from _schema(f"{where}.schema", fields)
    for operation in operations(spec):
        for parameter in operation.parameters if operation.verb != ANY else ():
            where = f"paths.'{operation.path}'({operation.verb}).parameters.[{parameter['name']}]"
            yield from _schema(f"{where}.schema", parameter.get("schema"))


# -- warnings -------------------------------------------------------------------------------------
def _members(spec: Spec) -> Iterator[str]:
    """Report members that OpenAPI 3.0 lacks, several types, and arrays of anything."""
    for where, fields in _schemas(spec):
        for member in sorted(fields.keys() - _KNOWN):
            if not member.startswith("x-"):
                yield f"attribute {where}.{member} is unexpected"
        if not isinstance(fields.get("type", ""), str):
            yield f"attribute {where}.type is not of type `string`"
        elif fields.get("type") == "array" and not isinstance(fields.get("items"), dict):
            yield f"attribute {where}.items is missing"


def _names(spec: Spec) -> Iterator[str]:
    """Report repeated operation ids."""
    names = Counter(one.fields.get("operationId") for one in operations(spec))
    for path, verb, fields, _ in operations(spec):
        if fields.get("operationId") and names[fields["operationId"]] > 1:
            yield f"attribute paths.'{path}'({verb}).operationId is repeated"


def _references(spec: Spec) -> Iterator[str]:
    """Report references to anything but the document's schemas."""
    known = spec.get("components", {}).get("schemas", {})
    for where, fields in _schemas(spec):
        if "$ref" in fields and fields["$ref"].removeprefix(_SCHEMAS) not in known:
            yield f"attribute {where}.$ref is missing: {fields['$ref']}"


def _keywords(spec: Spec) -> Iterator[str]:
    for where, fields in _schemas(spec):
        if "$ref" in fields:  # keywords beside a reference are ignored
            continue
        if found := [keyword for keyword in _UNSUPPORTED if keyword in fields]:
            yield f"Unsupported keyword(s): [{', '.join(found)}] in {where}"
        for keyword in _COMPOSED:
            if any("$ref" in inner for inner in fields.get(keyword, [])):
                yield f"Unsupported {keyword} with $ref in {where}. Ignoring."


def _models(spec: Spec) -> Iterator[str]:
    """Report bodies that are neither an object nor an array, and composed ones."""
    known = spec.get("components", {}).get("schemas", {})
    for where, schema in _bodies(spec):
        schema = known.get(schema.get("$ref", "").removeprefix(_SCHEMAS), schema)
        model = "composed" if schema.keys() & {*_COMPOSED} else schema.get("type", "object")
        if model not in ("object", "array"):
            yield f"Unsupported model type '{str(model).title()}Schema' in {where}. Ignoring."


# -- errors ---------------------------------------------------------------------------------------
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


def _limits(spec: Spec) -> Iterator[str]:
    resources = {place for path in spec.get("paths", {}) for place in places(path)}
    policy = json.dumps(spec.get(f"{EXTENSION}policy", ""))
    for what, found, most in (
        ("Resources", len(resources), 300),
        ("Bytes of the policy", len(policy), 8192),
    ):
        if found > most:
            yield f"{what}: {found}, and at most {most} are allowed"


Rule = Callable[[Spec], Iterator[str]]

_WARNINGS: tuple[Rule, ...] = (_members, _names, _references, _keywords, _models)
_ERRORS: tuple[Rule, ...] = (_paths, _limits)


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
