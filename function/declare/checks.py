"""Checks that declarations share: the types of their fields, and ranges."""

import re
from collections.abc import Iterator
from types import NoneType
from typing import Any

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_MAX_NAME_LENGTH = 32


def type_errors(declaration: Any, **kinds: Any) -> Iterator[str]:
    """Yield an error for each field that has a value of another type.

    `kinds` maps a field to its type, to several types, or to `[type]` for a tuple of that type.
    """
    for field, kind in kinds.items():
        items = [getattr(declaration, field)]
        if isinstance(kind, list):
            (items,), (kind,) = items, kind
            if type(items) not in (tuple, list):
                yield f"{field} must be a tuple: put a comma after a single item, (…,)"
        kinds_of_item = kind if isinstance(kind, tuple) else (kind,)
        for item in items:
            if not isinstance(item, kinds_of_item):
                names = " or ".join(one.__name__ for one in kinds_of_item if one is not NoneType)
                yield f"{field}: {repr(item)[:60]} is no {names}"


def range_errors(field: str, value: int, low: int, high: int) -> Iterator[str]:
    """Yield an error for a number outside of its range."""
    if not low <= value <= high:
        yield f"{field} must be from {low:,} to {high:,}, not {value:,}"


def name_errors(name: str) -> Iterator[str]:
    """Yield an error for a name that a table or queue cannot have."""
    if not _NAME.fullmatch(name) or len(name) > _MAX_NAME_LENGTH:
        yield (
            f"name {name!r} must be a-z, 0-9 and '-' between them, from a letter on, "
            f"at most {_MAX_NAME_LENGTH} characters"
        )
