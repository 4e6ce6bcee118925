"""Imports a library without a slow module of which it needs nothing here."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


@contextmanager
def stand_in(name: str, **members: Any) -> Iterator[None]:
    """Let imports find a module with these members, unless the real one is loaded already.

    Later imports find the real one.
    """
    module = ModuleType(name)
    vars(module).update(members)
    known = sys.modules.setdefault(name, module)
    try:
        yield
    finally:
        if known is module:
            del sys.modules[name]
