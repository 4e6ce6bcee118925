"""Generates the tables of docs/configuration.md from StackKeys and the Makefile."""

import re
from collections.abc import Callable
from typing import Any, get_type_hints

import msgspec
from msgspec import inspect

from components.stack_config import StackKeys
from local.stack_files import ROOT

PAGE = ROOT / "docs" / "configuration.md"
_TARGET = re.compile(r"^([a-z-]+):.*?## (.*)", re.M)


def _span(kind: Any) -> str:
    return f"{kind.ge:,} to {kind.le:,}"


def _members(kind: Any) -> str:
    return ", ".join(f"{member.name} {_range(member.type)}" for member in kind.fields)


# The name of a type, and its allowed values.
_TYPES: dict[type, tuple[str, Callable[[Any], str]]] = {
    inspect.BoolType: ("bool", lambda _: "true, false"),
    inspect.DictType: ("mapping", lambda kind: f"name: {_range(kind.value_type)}"),
    inspect.FloatType: ("float", _span),
    inspect.IntType: ("int", _span),
    inspect.LiteralType: ("int", lambda kind: ", ".join(map(str, kind.values))),
    inspect.StrType: ("text", lambda _: "text"),
    inspect.StructType: ("mapping", _members),
    inspect.VarTupleType: ("list", lambda kind: _range(kind.item_type)),
}


def _plain(kind: inspect.Type) -> inspect.Type:
    """Return a type without its metadata and without None."""
    while isinstance(kind, inspect.Metadata | inspect.UnionType):
        kind = kind.type if isinstance(kind, inspect.Metadata) else kind.types[0]
    return kind


def _range(kind: inspect.Type) -> str:
    """Return the allowed values of a key or of a member."""
    if isinstance(kind, inspect.Metadata) and (expected := (kind.extra or {}).get("expected")):
        return str(expected)
    plain = _plain(kind)
    return _TYPES[type(plain)][1](plain)


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.default_factory is not msgspec.NODEFAULT:
        value = msgspec.to_builtins(field.default_factory())
    else:
        value = field.default
    if value in (None, "", ()):
        return "none"
    return f"`{msgspec.json.encode(value).decode()}`"


def config_table() -> str:
    """Return the table of the stack's config keys."""
    lines = ["| key | type | range | default | effect |", "| --- | --- | --- | --- | --- |"]
    hints = get_type_hints(StackKeys, include_extras=True)
    for field in msgspec.structs.fields(StackKeys):
        kind = inspect.type_info(hints[field.name])
        effect = next(meta.description for meta in hints[field.name].__metadata__)
        name = _TYPES[type(_plain(kind))][0]
        lines.append(f"| `{field.name}` | {name} | {_range(kind)} | {_default(field)} | {effect} |")
    return "\n".join(lines)


def target_table() -> str:
    """Return the table of the Make targets."""
    found = _TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8"))
    rows = [f"| `make {name}` | {text}. |" for name, text in found]
    return "\n".join(["| target | purpose |", "| --- | --- |", *rows])


def with_part(text: str, name: str, part: str) -> str:
    """Return a page with a new part between its marks `begin` and `end` of this name.

    The page stays as it is if a team has removed the marks.
    """
    begin, end = f"<!-- begin {name} -->\n", f"\n<!-- end {name} -->"
    head, found, rest = text.partition(begin)
    return f"{head}{begin}{part}{end}{rest.partition(end)[2]}" if found else text


def page(text: str) -> str:
    """Return docs/configuration.md with its generated parts from the code."""
    for name, table in (("config", config_table()), ("targets", target_table())):
        text = with_part(text, name, table)
    return text


def main() -> None:
    """Write docs/configuration.md."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
