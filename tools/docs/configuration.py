"""Generates the tables of docs/configuration.md from StackKeys and the Makefile."""

import re
from typing import Any, get_type_hints

import msgspec

from components.stack_config import StackKeys
from local.stack_files import ROOT

PAGE = ROOT / "docs" / "configuration.md"
_TARGET = re.compile(r"^([a-z-]+):.*?## (.*)", re.M)


def _type_and_range(kind: Any) -> tuple[str, str]:
    """Return the type and the range of a key or of a member."""
    base, low, high, extra = kind, None, None, ""
    for node in msgspec.inspect.multi_type_info([kind]):
        while isinstance(node, msgspec.inspect.Metadata):
            extra = (node.extra or {}).get("expected", extra)
            node = node.type
        if isinstance(node, msgspec.inspect.UnionType):
            node = next(t for t in node.types if not isinstance(t, msgspec.inspect.NoneType))
            while isinstance(node, msgspec.inspect.Metadata):
                node = node.type
        low, high = getattr(node, "ge", None), getattr(node, "le", None)
        if isinstance(node, msgspec.inspect.StructType):
            members = get_type_hints(node.cls, include_extras=True).items()
            return "mapping", ", ".join(f"{n} {_type_and_range(t)[1]}" for n, t in members)
        if isinstance(node, msgspec.inspect.DictType):
            value = node.value_type
            if isinstance(value, msgspec.inspect.StructType):
                return "mapping", f"name: {{ {_type_and_range(value.cls)[1]} }}"
            while isinstance(value, msgspec.inspect.Metadata):
                value = value.type
            if isinstance(value, msgspec.inspect.IntType):
                extra = f"name: {value.ge or 0:,} to {value.le or 0:,}"
            return "mapping", extra or "name: usage plan"
        if isinstance(node, msgspec.inspect.VarTupleType):
            described = getattr(node.item_type, "extra", None) or {"expected": "AWS regions"}
            return "list", described["expected"]
        if isinstance(node, msgspec.inspect.LiteralType):
            return "int", ", ".join(map(str, node.values))
        base = type(node).__name__.removesuffix("Type").lower()
    base = {"str": "text"}.get(base, base)
    span = f"{low:,} to {high:,}" if low is not None else "true, false" if base == "bool" else ""
    return base, extra or span


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
    hints = get_type_hints(StackKeys, include_extras=True)
    lines = ["| key | type | range | default | effect |", "| --- | --- | --- | --- | --- |"]
    for field in msgspec.structs.fields(StackKeys):
        kind, span = _type_and_range(hints[field.name])
        metas = getattr(hints[field.name], "__metadata__", ())
        effect = next(meta.description for meta in metas if meta.description)
        lines.append(f"| `{field.name}` | {kind} | {span} | {_default(field)} | {effect} |")
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
