"""Checks that declarations share: the types of fields, ranges and names."""

import re
from collections.abc import Iterator
from types import NoneType
from typing import Any

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_MAX_NAME_LENGTH = 32


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


def name_errors(name: str) -> Iterator[str]:
    """Yield an error for an invalid name of a table or queue."""
    if not _NAME.fullmatch(name) or len(name) > _MAX_NAME_LENGTH:
        yield (
            f"name {name!r} must be words of a-z and 0-9 joined by '-', starting with a letter, "
            f"at most {_MAX_NAME_LENGTH} characters"
        )
