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
    if tuple in classes and not isinstance(value, type):
        if type(value) not in (tuple, list):
            yield f"{field} must be a tuple: put a comma after a single item, (…,)"
        (kind,) = (of for of in (annotation, *get_args(annotation)) if get_origin(of) is tuple)
        for item in value:
            yield from _value_errors(field, item, get_args(kind)[0])
    elif not isinstance(value, classes):
        names = " or ".join(kind.__name__ for kind in classes if kind is not NoneType)
        yield f"{field} must be of type {names}, not {repr(value)[:60]}"
    elif type(value) in classes and hasattr(value, "_fields"):
        yield from declaration_errors(value)
    for check in getattr(annotation, "__metadata__", ()):
        yield from check(field, value)


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


def matches(pattern: str, meaning: str) -> Callable[[str, Any], Iterator[str]]:
    """Return a check for a text that matches a pattern, which is compiled on first use."""

    def check(field: str, value: Any) -> Iterator[str]:
        if isinstance(value, str) and not re.fullmatch(pattern, value):
            yield f"{field}: {value!r} is not {meaning}"

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


# The flags of a generator's, a coroutine's and an asynchronous generator's code: inspect.CO_….
_DEFERRED = 0x20 | 0x80 | 0x200


def runs_when_called(field: str, handle: Any) -> Iterator[str]:
    """Yield an error for a function that returns before it runs, such as an `async def`."""
    inner = getattr(handle, "func", handle)  # of a partial
    if not hasattr(inner, "__code__"):  # a cache, a callable object
        inner = getattr(inner, "__wrapped__", type(inner).__call__)
    code = getattr(inner, "__code__", None)
    if code and code.co_flags & _DEFERRED:
        file = code.co_filename[code.co_filename.rfind("/function/") + 1 :]
        yield (
            f"{field}: {code.co_name} ({file}, line {code.co_firstlineno}) is asynchronous or a "
            "generator, so a call returns before it runs; write a plain `def` without `yield`"
        )


def words(separator: str, max_length: int) -> Callable[[str, Any], Iterator[str]]:
    """Return a check for words of a-z and 0-9 that a separator joins, such as a name on AWS."""
    return matches(
        rf"(?=.{{1,{max_length}}}$)[a-z][a-z0-9]*({separator}[a-z0-9]+)*",
        f"words of a-z and 0-9 joined by {separator!r}, starting with a letter, of at most "
        f"{max_length} characters",
    )


Name: TypeAlias = Annotated[str, words("-", 32)]
Text: TypeAlias = Annotated[str, not_empty]
