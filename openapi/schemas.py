"""The document's named schemas, from types and JSON schemas, limited to API Gateway's subset.

A declaration that its import would reject or silently alter is an error here.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from function.declare.errors import DeclarationError
from function.declare.schema import EMPTY_MAPPING, Body, Schema, is_array

REFERENCE = "#/components/schemas/"

# API Gateway's models support a part of JSON schema draft 4; its import drops some of that.
SUPPORTED_KEYWORDS = frozenset(
    {
        *("additionalProperties", "anyOf", "description", "enum", "format", "items"),
        *("maxItems", "maxLength", "maxProperties", "maximum", "minItems", "minLength"),
        *("minProperties", "minimum", "multipleOf", "pattern", "properties", "required"),
        *("title", "type", "uniqueItems"),
    }
)
# Only the client's document holds these keywords.
FOR_CLIENTS = frozenset({"default", "deprecated", "example", "nullable"})

# None: a value of any type, or a union.
_TYPES = frozenset({"array", "boolean", "integer", "number", "object", "string", None})

_ALTERNATIVES = {
    "const": "'enum' with one value",
    "exclusiveMaximum": "'maximum' (le)",
    "exclusiveMinimum": "'minimum' (ge)",
    "oneOf": "'anyOf'",
    "$ref": "a type",
    "prefixItems": "an object, or an array of one type",
    "propertyNames": "text as keys",
}


class SchemaRegistry:
    """The document's named schemas; `schemas` maps names to schemas."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}
        self._places: dict[str, str] = {}

    def fields(self, declared: type, where: str) -> dict[str, dict[str, Any]]:
        """Return description, schema and example of each parameter that a type has as a field.

        Raises DeclarationError for a field without a description.
        """
        import msgspec

        name, _ = _from_type(declared, where)
        _, parts = msgspec.json.schema_components([declared], ref_template=REFERENCE + "{name}")
        found = {}
        for field, part in parts[declared.__name__]["properties"].items():
            schema = _to_openapi(part, parts, ())
            for keyword in ("nullable", "title"):
                schema.pop(keyword, None)
            if schema.get("default", "") is None:  # an absent parameter
                del schema["default"]
            if not (description := schema.pop("description", "")):
                raise DeclarationError(
                    f"{where}: {name}.{field} needs a description: "
                    "Annotated[…, msgspec.Meta(description=…)]"
                )
            for error in _errors(schema, f"{name}.{field}", False, {}):
                raise DeclarationError(f"{where}: {error}")
            found[field] = {"description": description, "schema": schema}
        return found

    def reference(
        self, declared: Body, where: str, *, closed: bool = False, extends: Schema = EMPTY_MAPPING
    ) -> Schema:
        """Return a reference to the schema of a body, with the members that it extends.

        The objects of a request's body must be `closed`. Responses may gain members: their objects
        stay open unless a request body has the type too.
        """
        if isinstance(declared, Mapping):
            name = str(declared.get("title", ""))
            types: Mapping[str, Schema] = {name: declared}
        else:
            name, types = _from_type(declared, where)
        if extends:
            required = [*extends["required"], *types[name].get("required", ())]
            properties = {**extends["properties"], **types[name].get("properties", {})}
            types = {**types, name: {**types[name], "required": required, "properties": properties}}
        for called, schema in types.items():
            if not re.fullmatch(r"[A-Za-z0-9]+", called):
                raise DeclarationError(
                    f"{where}: a schema needs a 'title', the type's name of letters and digits"
                )
            for error in _errors(schema, called, closed, types):
                raise DeclarationError(f"{where}: {error}")
            opened = _allow_extra(schema)
            place = self._places.setdefault(called, where)
            if self.schemas.setdefault(called, opened) != opened:
                raise DeclarationError(
                    f"{where}: another type has the name {called} too, in {place}; rename one"
                )
        if types[name].get("type") not in ("object", "array"):
            raise DeclarationError(f"{where}: {name} must have 'type': 'object' or 'array'")
        return {"$ref": REFERENCE + name}


def _from_type(kind: type, where: str) -> tuple[str, dict[str, Schema]]:
    """Return the name of a type, and the schemas of it and its parts by name."""
    import msgspec

    try:
        (schema,), types = msgspec.json.schema_components([kind], ref_template=REFERENCE + "{name}")
        parts = {name: _to_openapi(part, types) for name, part in types.items()}
    except (NameError, TypeError) as error:
        raise DeclarationError(f"{where}: {str(error).splitlines()[-1]}") from None
    if is_array(kind):
        items = _to_openapi(schema["items"], types)
        name = _name(items) if "$ref" in items else str(items.get("type", "any")).capitalize()
        schema = {"$ref": f"{REFERENCE}{name}List"}
        parts[f"{name}List"] = {"type": "array", "items": items}
    elif "$ref" not in schema:
        raise DeclarationError(f"{where}: {kind!r} must be a class with fields, or a list of one")
    return _name(schema), {
        _model_name(name): {**part, "title": _model_name(name)} for name, part in parts.items()
    }


def _model_name(name: str) -> str:
    """Return a model's name: `PageNote` for `Page[Note]`."""
    return re.sub(r"[^A-Za-z0-9]", "", name)


def _name(reference: Schema) -> str:
    return _model_name(reference["$ref"].removeprefix(REFERENCE))


def _mapped(schema: Schema, function: Callable[[Schema], Schema]) -> dict[str, Any]:
    """Return a schema with a function applied to each direct subschema."""
    mapped = dict(schema)
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), Mapping):
            mapped[keyword] = function(schema[keyword])
    if isinstance(schema.get("properties"), Mapping):
        mapped["properties"] = {name: function(of) for name, of in schema["properties"].items()}
    if isinstance(schema.get("anyOf"), list):
        mapped["anyOf"] = [function(member) for member in schema["anyOf"]]
    return mapped


def _to_openapi(
    schema: Schema, types: Mapping[str, Schema], within: tuple[str, ...] | None = None
) -> dict[str, Any]:
    """Return msgspec's JSON schema 2020-12 as an OpenAPI 3.0 schema.

    References stay, unless `within` names the enclosing types that took their place.
    """
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(REFERENCE)
        if within is None:  # OpenAPI ignores siblings of a reference
            return {"$ref": REFERENCE + _model_name(name)}
        if name in within:
            raise TypeError(f"{_model_name(name)}: a union cannot hold itself")
        siblings = {keyword: value for keyword, value in schema.items() if keyword != "$ref"}
        return _to_openapi({**types[name], **siblings}, types, (*within, name))
    if "anyOf" in schema:  # API Gateway allows no reference in a union
        members = [one for one in schema["anyOf"] if one != {"type": "null"}]
        nullable = {"nullable": True} if len(members) < len(schema["anyOf"]) else {}
        inlined = [_to_openapi(one, types, within or ()) for one in members]
        union = inlined[0] if len(inlined) == 1 else {"anyOf": inlined}
        schema = {**union, **{k: v for k, v in schema.items() if k != "anyOf"}, **nullable}
    result = _mapped(schema, lambda part: _to_openapi(part, types, within))
    result.pop("discriminator", None)
    if examples := result.pop("examples", None):
        result["example"] = examples[0]
    if result.get("contentEncoding") == "base64":
        del result["contentEncoding"]
        result["format"] = "byte"
    if result.get("type") == "number":
        result.setdefault("format", "double")
    if result.get("required") == []:
        del result["required"]
    if "enum" in result:
        text = all(isinstance(value, str) for value in result["enum"])
        result.setdefault("type", "string" if text else "integer")
    return result


def _allow_extra(schema: Schema) -> Schema:
    """Return a schema whose objects allow extra members unless they say otherwise."""
    opened = _mapped(schema, _allow_extra)
    return {"additionalProperties": True, **opened} if opened.get("type") == "object" else opened


def _errors(schema: Any, where: str, closed: bool, types: Mapping[str, Schema]) -> Iterator[str]:
    """Return the errors in a schema and its subschemas."""
    if not isinstance(schema, Mapping):
        yield f"{where} must be a schema, a mapping"
        return
    if set(schema) == {"$ref"} and _name(schema) in types:
        return
    yield from _own_errors(schema, where, closed)
    for name, member in schema.get("properties", {}).items():
        yield from _errors(member, f"{where}.{name}", closed, types)
    for member in schema.get("anyOf", ()):  # API Gateway allows no reference in a union
        yield from _errors(member, where, closed, {})
    if "items" in schema:
        yield from _errors(schema["items"], f"{where}[]", closed, types)
    if not isinstance(more := schema.get("additionalProperties", False), bool):
        yield from _errors(more, f"{where}.*", closed, types)


def _own_errors(schema: Schema, where: str, closed: bool) -> Iterator[str]:
    for keyword in sorted(schema.keys() - SUPPORTED_KEYWORDS - FOR_CLIENTS):
        instead = f"; use {_ALTERNATIVES[keyword]}" if keyword in _ALTERNATIVES else ""
        yield f"{where}: API Gateway does not support {keyword!r}{instead}"
    kind = schema.get("type")
    if kind == "null" or None in schema.get("enum", ()):
        yield f"{where} may be null; use a type with a member that may be None, or 'nullable'"
    elif not isinstance(kind, str | None) or kind not in _TYPES:
        yield f"{where}: 'type' must be one of {', '.join(sorted(filter(None, _TYPES)))}"
    unlimited = schema.get("additionalProperties") in (None, True)
    rules = (
        (kind == "number" and not schema.get("format"),
         "a number needs a 'format' (double), or clients round it"),
        (kind == "array" and "items" not in schema, "an array needs 'items'"),
        (kind == "object" and closed and unlimited,
         "an object of a request body must be closed: forbid_unknown_fields=True"),
        (schema.get("required") == [], "leave out an empty 'required'"),
        ("*/" in str(schema.get("description", "")),
         "'*/' in a description ends comments in generated clients"),
    )  # fmt: skip
    for broken, rule in rules:
        if broken:
            yield f"{where}: {rule}"
