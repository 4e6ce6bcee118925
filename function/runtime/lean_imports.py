"""Imports libraries without the parts that the function does not use."""

import re
import sys
from collections.abc import Iterator, Set
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from importlib.util import LazyLoader
from types import ModuleType
from typing import Any

_compile = re.compile


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


@contextmanager
def lazy_modules(names: Set[str]) -> Iterator[None]:
    """Let imports run these modules only when an attribute of them is read."""

    class Finder:
        @staticmethod
        def find_spec(name: str, path: Any = None, _: Any = None) -> ModuleSpec | None:
            if name not in names:
                return None
            others = (one for one in sys.meta_path if one is not Finder)
            spec = next(filter(None, (one.find_spec(name, path) for one in others)), None)
            if spec and spec.loader:
                spec.loader = LazyLoader(spec.loader)
            return spec

    sys.meta_path.insert(0, Finder)
    try:
        yield
    finally:
        sys.meta_path.remove(Finder)


class _LazyPattern:
    """A regular expression that is compiled when it is used."""

    __class__: Any = re.Pattern  # functions of `re` ask for it

    def __init__(self, pattern: Any, flags: int = 0) -> None:
        self._source = pattern, flags

    def __getattr__(self, name: str) -> Any:
        value = getattr(_compile(*self._source), name)
        setattr(self, name, value)
        return value


@contextmanager
def lazy_patterns() -> Iterator[None]:
    """Let imports compile no regular expression that they do not use."""
    re.compile = _LazyPattern  # type: ignore[assignment]
    try:
        yield
    finally:
        re.compile = _compile
