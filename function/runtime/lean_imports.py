"""Imports libraries without the parts that the function does not use."""

import builtins
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from importlib.machinery import ModuleSpec
from threading import Lock
from types import ModuleType, SimpleNamespace
from typing import Any

_compile = re.compile
_import_lock = Lock()
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
    """A stand-in that imports the module when an attribute of it is read.

    Only those modules keep it that import it within `lazy_modules`. So a thread that imports the
    module meanwhile gets the module, and waits until it has run.
    """

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


class _LazyLoader:
    """A loader that makes stand-ins."""

    def create_module(self, _: ModuleSpec) -> None:
        """Leave that to Python, which reads attributes of a new module."""

    def exec_module(self, module: ModuleType) -> None:
        module.__class__ = _LazyModule


@contextmanager
def _loaded_by(loaders: Mapping[str, Callable[[Any], Any]]) -> Iterator[None]:
    """Let the next import of each of these modules use another loader, made of the usual one."""
    waiting = dict(loaders)

    class Finder:
        @staticmethod
        def find_spec(name: str, path: Any = None, _: Any = None) -> ModuleSpec | None:
            if not (loader := waiting.pop(name, None)):
                return None
            others = (one for one in sys.meta_path if one is not Finder)
            spec = next(filter(None, (one.find_spec(name, path) for one in others)), None)
            if spec and spec.loader:
                spec.loader = loader(spec.loader)
            return spec

    sys.meta_path.insert(0, Finder)
    try:
        yield
    finally:
        sys.meta_path.remove(Finder)


@contextmanager
def lazy_modules(names: Set[str]) -> Iterator[None]:
    """Let imports run these modules only when an attribute of them is read."""
    try:
        with _loaded_by(dict.fromkeys(names, lambda _: _LazyLoader())):
            yield
    finally:
        for name in names:
            if type(sys.modules.get(name)) is _LazyModule:
                del sys.modules[name]


class _LazyPattern:
    """A regular expression that is compiled when it is used."""

    __class__: Any = re.Pattern  # functions of `re` ask for it

    def __init__(self, pattern: Any, flags: int = 0) -> None:
        self._source = pattern, flags

    def match(self, string: Any, *limits: int) -> Any:
        """Match at the start of the string. A string without a colon is no IPv6 address.

        botocore and urllib3 look for such an address in each host.
        """
        if str(self._source[0]).startswith(_IPV6) and ":" not in string:
            return None
        return self.__getattr__("match")(string, *limits)

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


class _PlainLoader:
    """A loader of a module that finds `_data_class` in `dataclasses`.

    No other module does, because a thread may import `dataclasses` meanwhile.
    """

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, _: ModuleSpec) -> None:
        """Leave that to Python."""

    def exec_module(self, module: ModuleType) -> None:
        own = SimpleNamespace(
            dataclass=_data_class, field=lambda *, default_factory: default_factory
        )

        def find(name: str, *args: Any) -> Any:
            return own if name == "dataclasses" else builtins.__import__(name, *args)

        vars(module)["__loader__"] = vars(module.__spec__)["loader"] = self._loader
        vars(module)["__builtins__"] = {**vars(builtins), "__import__": find}
        exec(self._loader.get_code(module.__name__), vars(module))  # noqa: S102


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


def import_botocore() -> None:
    """Import botocore, and postpone what it does not use here: a quarter of a cold start.

    Three modules stay out: botocore writes a text about each operation for `help`, urllib3 may ask
    for the version of h2, and two small classes are data classes, for which Python imports
    `inspect`. A botocore that needs more of these modules is imported with them.
    """
    with _import_lock:
        _import_once()


@cache
def _import_once() -> None:
    import botocore

    def version(name: str) -> str:
        from importlib import metadata

        return metadata.version(name)

    kinds = ("ClientMethodDocstring", "PaginatorDocstring", "WaiterDocstring")
    texts = dict.fromkeys(kinds, lambda *_, **__: "")
    folder = os.path.join(os.path.dirname(botocore.__file__), "docs")
    with (
        suppress(ImportError, KeyError, TypeError),
        stand_in("botocore.docs", __path__=[folder]),
        stand_in("botocore.docs.docstring", **texts),
        stand_in("importlib.metadata", version=version),
        _loaded_by(dict.fromkeys(("botocore.context", "botocore.plugin"), _PlainLoader)),
        lazy_modules(_RARELY_USED),
        lazy_patterns(),
    ):
        import botocore.session
    with suppress(AttributeError):
        _simplify_registration()
