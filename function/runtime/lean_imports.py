"""Imports libraries without the parts that the function does not use."""

import os
import re
import sys
from collections.abc import Iterator, Set
from contextlib import contextmanager, suppress
from functools import cache
from importlib.machinery import ModuleSpec
from threading import RLock
from types import ModuleType
from typing import Any

_compile = re.compile
_run_lock = RLock()
# The starts of botocore's and urllib3's patterns for a whole IPv6 address.
_IPV6 = (r"^(?:(?:[0-9A-Fa-f]{1,4}:){6}", r"^\[(?:(?:[0-9A-Fa-f]{1,4}:){6}")


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


class _LazyModule(ModuleType):
    """A module that runs when an attribute is read that it does not have yet.

    importlib.util.LazyLoader would also run it when a second module imports it.
    """

    def __getattr__(self, name: str) -> Any:
        with _run_lock:
            if loader := vars(self).pop("_lazy_loader", None):
                loader.exec_module(self)
                self.__class__ = ModuleType  # type: ignore[assignment]
        return ModuleType.__getattribute__(self, name)


class _LazyLoader:
    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _LazyModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["_lazy_loader"] = vars(module)["__loader__"] = self._loader
        if module.__spec__:
            module.__spec__.loader = self._loader


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
                spec.loader = _LazyLoader(spec.loader)  # type: ignore[assignment]
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

    def match(self, text: Any, *limits: int) -> Any:
        """Match at the start of the text. A text without a colon is no IPv6 address.

        botocore and urllib3 look for such an address in each host.
        """
        if str(self._source[0]).startswith(_IPV6) and ":" not in text:
            return None
        return self.__getattr__("match")(text, *limits)

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


# botocore and urllib3 import these, and use them for other services, settings and errors only.
_RARELY_USED = frozenset(
    {
        *("configparser", "dateutil.relativedelta", "email.header", "inspect", "jmespath"),
        *("botocore.monitoring", "botocore.retries.adaptive", "botocore.waiter"),
        *("mimetypes", "shutil", "signal", "tempfile", "tokenize"),
    }
)


def _data_class(known: type) -> type:
    """Give a class the constructor that `dataclass` would write; all of its fields have defaults."""
    defaults = {name: vars(known)[name] for name in known.__annotations__}

    def construct(self: Any, *args: Any, **values: Any) -> None:
        values.update(zip(defaults, args, strict=False))
        for name, default in defaults.items():
            made = values[name] if name in values else default() if callable(default) else default
            setattr(self, name, made)

    known.__init__ = construct  # type: ignore[misc]
    return known


def _simplify_registration() -> None:
    """Let botocore register its 130 event handlers with less work: a tenth of a cold start.

    It looks for 65 former names in each event's name, and inspects each handler's parameters.
    Another botocore, without these names, does that work.
    """
    from botocore import hooks

    aliased_name, inspected = hooks.EventAliaser._alias_event_name, hooks.accepts_kwargs
    aliases = frozenset(hooks.EVENT_ALIASES)
    dotted = [alias for alias in aliases if "." in alias]

    @cache
    def is_current(event: str) -> bool:
        return aliases.isdisjoint(event.split(".")) and not any(one in event for one in dotted)

    def name(aliaser: Any, event: str) -> Any:
        return event if is_current(event) else aliased_name(aliaser, event)

    def accepts_kwargs(handler: Any) -> Any:
        function = handler if hasattr(handler, "__code__") else type(handler).__call__
        code = getattr(function, "__code__", None)
        return code.co_flags & 0x08 if code else inspected(handler)  # inspect.CO_VARKEYWORDS

    hooks.EventAliaser._alias_event_name, hooks.accepts_kwargs = name, accepts_kwargs


@cache
def import_botocore() -> None:
    """Import botocore, and postpone what it does not use here: a quarter of a cold start.

    Three modules stay out: botocore writes a text about each operation for `help`, urllib3 may ask
    for the version of h2, and two small classes are data classes, for which Python imports
    `inspect`. A botocore that needs more of these modules is imported with them.
    """
    import botocore

    def version(name: str) -> str:
        from importlib import metadata

        return metadata.version(name)

    kinds = ("ClientMethodDocstring", "PaginatorDocstring", "WaiterDocstring")
    texts = dict.fromkeys(kinds, lambda *_, **__: "")
    folder = os.path.join(os.path.dirname(botocore.__file__), "docs")
    fields = {"dataclass": _data_class, "field": lambda *, default_factory: default_factory}
    with (
        suppress(ImportError, KeyError, TypeError),
        stand_in("botocore.docs", __path__=[folder]),
        stand_in("botocore.docs.docstring", **texts),
        stand_in("dataclasses", **fields),
        stand_in("importlib.metadata", version=version),
        lazy_modules(_RARELY_USED),
        lazy_patterns(),
    ):
        import botocore.session
    with suppress(AttributeError):
        _simplify_registration()
