"""Checks that declarations share: the types of fields, ranges and names."""

import re
from collections.abc import Iterator
from types import NoneType
from typing import Any


def type_errors(declaration: Any, **types: Any) -> Iterator[str]:
    """Yield an error for each field whose value has another type.

    `types` maps a field to its type, to a tuple of types, or to `[type]` for a tuple of that type.
    """
    for field, expected in types.items():
        values = [getattr(declaration, field)]
        if isinstance(expected, list):
            (values,), (expected,) = values, expected
            if type(values) not in (tuple, list):
                yield f"{field} must be a tuple: put a comma after a single item, (…,)"
        allowed = expected if isinstance(expected, tuple) else (expected,)
        for value in values:
            if not isinstance(value, allowed):
                names = " or ".join(one.__name__ for one in allowed if one is not NoneType)
                yield f"{field} must be of type {names}, not {repr(value)[:60]}"


def range_errors(field: str, value: int, low: int, high: int) -> Iterator[str]:
    """Yield an error for a number outside of its range."""
    if not low <= value <= high:
        yield f"{field} must be from {low:,} to {high:,}, not {value:,}"


def name_errors(name: str, separator: str = "-", max_length: int = 32) -> Iterator[str]:
    """Yield an error for a name other than words in lower case, joined by `separator`."""
    if not re.fullmatch(f"[a-z][a-z0-9]*({separator}[a-z0-9]+)*", name) or len(name) > max_length:
        yield (
            f"name {name!r} must be words of a-z and 0-9 joined by {separator!r}, "
            f"starting with a letter, at most {max_length} characters"
        )
