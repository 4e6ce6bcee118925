"""Checks that declarations share.

A field's annotation states its check: `Annotated[int, between(1, 900)]`. A check takes the name and
the value of the field, and yields errors.
"""

import re
from collections.abc import Callable, Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin


def declaration_errors(declaration: Any) -> Iterator[str]:
    """Yield the errors in a declaration's fields and their parts, then its own."""
    for field, annotation in type(declaration).__annotations__.items():
        yield from _value_errors(field, getattr(declaration, field), annotation)
    yield from getattr(declaration, "errors", tuple)()


def _value_errors(field: str, value: Any, annotation: Any) -> Iterator[str]:
    classes = _classes(annotation)
    if value is None and NoneType in classes:
        return
    if tuple in classes and not (object in classes and isinstance(value, type)):
        if type(value) not in (tuple, list):
            yield f"{field} must be a tuple: put a comma after a single item, (…,)"
        (kind,) = (of for of in (annotation, *get_args(annotation)) if get_origin(of) is tuple)
        for item in value:
            yield from _value_errors(field, item, get_args(kind)[0])
    elif not isinstance(value, classes):
        names = " or ".join(kind.__name__ for kind in classes if kind is not NoneType)
        yield f"{field} must be of type {names}, not {repr(value)[:60]}{_correction(value, classes)}"
    elif type(value) in classes and hasattr(value, "_fields"):
        yield from declaration_errors(value)
    for check in getattr(annotation, "__metadata__", ()):
        yield from check(field, value)


def _correction(value: Any, classes: tuple[type, ...]) -> str:
    """Return the advice for a declaration in place of its name, and for a class without a call."""
    if str in classes and isinstance(name := getattr(value, "name", None), str):
        return f"; write its name: {name!r}"
    if isinstance(value, type) and issubclass(value, classes):
        return f"; write {value.__name__}(…)"
    return ""


def _classes(annotation: Any) -> tuple[type, ...]:
    """Return an annotation's classes; object for `Any`, a type variable and `type[…]`."""
    kind = get_origin(annotation) or annotation
    if kind in (Union, UnionType):
        return tuple(one for member in get_args(annotation) for one in _classes(member))
    if kind is Annotated:
        return _classes(annotation.__origin__)
    if kind is float:
        return int, float
    return (object if kind in (Any, type) or not isinstance(kind, type) else kind,)


def between(low: int, high: int) -> Callable[[str, int], Iterator[str]]:
    """Return a check for a number from `low` to `high`."""

    def check(field: str, value: int) -> Iterator[str]:
        if not low <= value <= high:
            yield f"{field} must be from {low:,} to {high:,}, not {value:,}"

    return check


def matches(pattern: str, meaning: str) -> Callable[[str, str], Iterator[str]]:
    """Return a check for a text that matches a pattern, which is compiled on first use."""

    def check(field: str, value: str) -> Iterator[str]:
        if not re.fullmatch(pattern, value):
            yield f"{field}: {value!r} is not {meaning}"

    return check


def words(separator: str, max_length: int = 32) -> Callable[[str, str], Iterator[str]]:
    """Return a check for words in lower case, joined by `separator`."""

    def check(field: str, value: str) -> Iterator[str]:
        pattern = f"[a-z][a-z0-9]*({separator}[a-z0-9]+)*"
        if not re.fullmatch(pattern, value) or len(value) > max_length:
            yield (
                f"{field} {value!r} must be words of a-z and 0-9 joined by {separator!r}, "
                f"starting with a letter, at most {max_length} characters"
            )

    return check


def not_empty(field: str, value: Any) -> Iterator[str]:
    """Yield an error for an empty tuple or a blank text, and for one that ends a comment."""
    if not (value.strip() if isinstance(value, str) else value):
        yield f"{field} is missing"
    if "*/" in value:
        yield f"{field}: '*/' would end a comment in generated clients"


# API Gateway renames, overwrites or drops these.
_RESERVED_RESPONSE_HEADERS = frozenset(
    {
        *("authorization", "connection", "content-md5", "date", "expect", "host", "server", "te"),
        *("trailer", "transfer-encoding", "upgrade", "user-agent", "www-authenticate"),
    }
)


def response_header_errors(name: str) -> Iterator[str]:
    """Yield an error for a response header that API Gateway does not pass on."""
    if name.lower() in _RESERVED_RESPONSE_HEADERS:
        yield f"response header {name}: API Gateway reserves it; choose another, such as X-{name}"


def runs_when_called(field: str, handle: Any) -> Iterator[str]:
    """Yield an error for a class, and for a function that a call with one argument does not run."""
    import inspect  # slow: keep it out of cold starts

    if isinstance(handle, type):
        yield f"{field} must be a function, not the class {handle.__name__}"
        return
    inner = getattr(handle, "func", handle)  # of a partial
    if not (inspect.isfunction(inner) or inspect.ismethod(inner)):  # a cache, a callable object
        inner = getattr(inner, "__wrapped__", type(inner).__call__)
    where = field
    if code := getattr(inner, "__code__", None):
        file = code.co_filename
        file = file[file.rfind("/function/") + 1 :]
        where = f"{field}: {code.co_name} ({file}, line {code.co_firstlineno})"
    for is_deferred, kind in (
        (inspect.iscoroutinefunction, "a coroutine function"),
        (inspect.isgeneratorfunction, "a generator function"),
        (inspect.isasyncgenfunction, "an async generator function"),
    ):
        if is_deferred(inner):
            yield f"{where} is {kind}, so a call returns before it runs; write a plain `def`"
    try:
        inspect.signature(handle).bind(None)
    except TypeError:
        yield f"{where} must take one argument"


Name: TypeAlias = Annotated[str, words("-")]
Text: TypeAlias = Annotated[str, not_empty]
