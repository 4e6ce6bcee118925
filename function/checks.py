"""What every declaration is checked for: that each field holds what its type says."""

from collections.abc import Iterator
from types import NoneType
from typing import Any


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
