"""What every declaration is checked for: that each field holds what its type says."""

import re
from collections.abc import Iterator
from types import NoneType
from typing import Any

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_NAME = 32


def wrong_types(of: Any, **kinds: Any) -> Iterator[str]:
    """Return which fields hold what is not of their types; `[type]` stands for a tuple of it."""
    for field, kind in kinds.items():
        items = [getattr(of, field)]
        if isinstance(kind, list):
            (items,), (kind,) = items, kind
            if type(items) not in (tuple, list):
                yield f"{field} must be a tuple: a single item needs a comma behind it, (…,)"
        of_kinds = kind if isinstance(kind, tuple) else (kind,)
        for item in items:
            if not isinstance(item, of_kinds):
                names = " or ".join(kind.__name__ for kind in of_kinds if kind is not NoneType)
                yield f"{field}: {repr(item)[:60]} is no {names}"


def wrong_name(name: str) -> Iterator[str]:
    """Return why a table or queue could not be called so."""
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        yield (
            f"name {name!r} must be a-z, 0-9 and '-' between them, from a letter on, "
            f"at most {_LONGEST_NAME} characters"
        )
