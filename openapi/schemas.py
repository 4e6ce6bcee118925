"""The named types of the document, from types and JSON schemas, kept to what API Gateway imports.

What its import refuses, or drops without a word, is refused here, where it is declared.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from function.declare.errors import DeclarationError
from function.declare.schema import Body, Schema

REFERENCE = "#/components/schemas/"

# What API Gateway's models take (a part of JSON schema draft 4, without what its import loses), ...
_TAKEN = frozenset(
    {
        *("additionalProperties", "anyOf", "description", "enum", "format", "items"),
        *("maxItems", "maxLength", "maxProperties", "maximum", "minItems", "minLength"),
        *("minProperties", "minimum", "multipleOf", "pattern", "properties", "required"),
        *("title", "type", "uniqueItems"),
    }
)
# ... and what only a client's document holds.
FOR_CLIENTS = frozenset({"default", "deprecated", "example"})

# None: a value of any type, or a union of types.
_TYPES = frozenset({"array", "boolean", "integer", "number", "object", "string", None})

_INSTEAD = {
    "const": "'enum' with one value",
    "exclusiveMaximum": "'maximum' (le)",
    "exclusiveMinimum": "'minimum' (ge)",
    "nullable": "a member that may be absent (msgspec.UNSET)",
    "oneOf": "'anyOf'",
    "$ref": "a type",
    "prefixItems": "an object, or an array of one type",
    "propertyNames": "text as keys",
}


class Types:
    """Collects the types that a document names; `schemas` maps their names to their schemas."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}

    def body(self, declared: Body, where: str) -> Schema:
        """Return a reference to the type of a body, which says of each object what it may hold."""
        return self._reference(declared, where, closed=True)

    def answer(self, declared: Body, where: str) -> Schema:
        """Return a reference to the type of an answer. Answers grow: unless a type is a body's
        too, its objects may hold more than they say."""
        return self._reference(declared, where, closed=False)

    def _reference(self, declared: Body, where: str, *, closed: bool) -> Schema:
        if isinstance(declared, Mapping):
            name = str(declared.get("title", ""))
            types: Mapping[str, Schema] = {name: declared}
        else:
            name, types = _written(declared, where)
        for called, schema in types.items():
            if not re.fullmatch(r"[A-Za-z0-9]+", called):
                raise DeclarationError(
                    f"{where}: a schema needs a 'title', the type's name of letters and digits"
                )
            for problem in _problems(schema, called, closed, types):
                raise DeclarationError(f"{where}: {problem}")
            opened = _opened(schema)
            if self.schemas.setdefault(called, opened) != opened:
                raise DeclarationError(f"{where}: another type is called {called}, too")
        if types[name].get("type") != "object":
            raise DeclarationError(f"{where}: {name} must have 'type': 'object'")
        return {"$ref": REFERENCE + name}


def _written(kind: type, where: str) -> tuple[str, dict[str, Schema]]:
    """Return the name of a type, and the schemas of all types that it is made of, by name."""
    import msgspec  # pylint: disable=import-outside-toplevel

    try:
        (schema,), types = msgspec.json.schema_components([kind], ref_template=REFERENCE + "{name}")
    except (NameError, TypeError) as error:
        raise DeclarationError(f"{where}: {str(error).splitlines()[-1]}") from None
    if "$ref" not in schema:
        raise DeclarationError(f"{where}: {kind!r} must be a class with fields")
    return _name(schema), {
        _bare(name): {**_translated(schema, types, ()), "title": _bare(name)}
        for name, schema in types.items()
    }


def _bare(name: str) -> str:
    """Return a model's name: `PageNote` for `Page[Note]`."""
    return re.sub(r"[^A-Za-z0-9]", "", name)


def _name(reference: Schema) -> str:
    return _bare(reference["$ref"].removeprefix(REFERENCE))


def _mapped(schema: Schema, function: Callable[[Schema], Schema]) -> dict[str, Any]:
    """Return a schema with a function applied to each schema that it is made of."""
    mapped = dict(schema)
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), Mapping):
            mapped[keyword] = function(schema[keyword])
    if isinstance(schema.get("properties"), Mapping):
        mapped["properties"] = {name: function(of) for name, of in schema["properties"].items()}
    if isinstance(schema.get("anyOf"), list):
        mapped["anyOf"] = [function(member) for member in schema["anyOf"]]
    return mapped


def _translated(schema: Schema, types: Mapping[str, Schema], within: tuple[str, ...]) -> Schema:
    """Return what msgspec writes (JSON schema 2020-12) as OpenAPI 3.0 says it.

    `within` names the types around it that a union has brought in.
    """
    if "$ref" in schema:  # what stands beside a reference is never read
        return {"$ref": REFERENCE + _name(schema)}
    if "anyOf" in schema:  # a union may not hold references
        schema = {**schema, "anyOf": [_inlined(of, types, within) for of in schema["anyOf"]]}
    said = _mapped(schema, lambda part: _translated(part, types, within))
    said.pop("discriminator", None)
    if examples := said.pop("examples", None):
        said["example"] = examples[0]
    if said.get("contentEncoding") == "base64":
        del said["contentEncoding"]
        said["format"] = "byte"
    if said.get("type") == "number":
        said.setdefault("format", "double")
    if said.get("required") == []:
        del said["required"]
    if "enum" in said:
        text = all(isinstance(value, str) for value in said["enum"])
        said.setdefault("type", "string" if text else "integer")
    return said


def _inlined(member: Schema, types: Mapping[str, Schema], within: tuple[str, ...]) -> Schema:
    if "$ref" not in member:
        return member
    name = member["$ref"].removeprefix(REFERENCE)
    if name in within:
        raise DeclarationError(f"{_bare(name)}: a union cannot hold itself")
    return _translated(types[name], types, (*within, name))


def _opened(schema: Schema) -> Schema:
    """Return a schema whose objects may hold more than they name, where they do not decide it."""
    opened = _mapped(schema, _opened)
    return {"additionalProperties": True, **opened} if opened.get("type") == "object" else opened


def _problems(schema: Any, where: str, closed: bool, types: Mapping[str, Schema]) -> Iterator[str]:
    """Return what the import would refuse or lose, in a schema and in all that it is made of."""
    if not isinstance(schema, Mapping):
        yield f"{where} must be a schema, a mapping"
        return
    if set(schema) == {"$ref"} and _name(schema) in types:
        return
    yield from _wrong(schema, where, closed)
    for name, member in schema.get("properties", {}).items():
        yield from _problems(member, f"{where}.{name}", closed, types)
    for member in schema.get("anyOf", ()):  # a union may not hold references
        yield from _problems(member, where, closed, {})
    if "items" in schema:
        yield from _problems(schema["items"], f"{where}[]", closed, types)
    if not isinstance(more := schema.get("additionalProperties", False), bool):
        yield from _problems(more, f"{where}.*", closed, types)


def _wrong(schema: Schema, where: str, closed: bool) -> Iterator[str]:
    for keyword in sorted(schema.keys() - _TAKEN - FOR_CLIENTS):
        instead = f"; use {_INSTEAD[keyword]}" if keyword in _INSTEAD else ""
        yield f"{where}: API Gateway takes no {keyword!r}{instead}"
    kind = schema.get("type")
    if kind == "null":
        yield f"{where} may be null; use {_INSTEAD['nullable']}"
    elif not isinstance(kind, str | None) or kind not in _TYPES:
        yield f"{where}: 'type' must be one of {', '.join(sorted(filter(None, _TYPES)))}"
    unsaid = schema.get("additionalProperties") in (None, True)
    rules = (
        (kind == "number" and not schema.get("format"),
         "a number needs a 'format' (double), or clients round it"),
        (kind == "array" and "items" not in schema, "an array needs 'items'"),
        (kind == "object" and closed and unsaid,
         "a body's object must refuse what it does not name: forbid_unknown_fields=True, "
         "or 'additionalProperties': False"),
        (schema.get("required") == [], "leave 'required' out where nothing is"),
        ("*/" in str(schema.get("description", "")),
         "'*/' in a description ends comments in generated clients"),
    )  # fmt: skip
    for broken, rule in rules:
        if broken:
            yield f"{where}: {rule}"
