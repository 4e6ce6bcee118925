"""Replaces names of MiniStack, after checking that each one is as expected.

A repair module lists its replacements as `Patch` values. `install` checks the names that they
replace, and all names that the emulator only reads or calls, before it replaces the first one.
"""

import ast
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import metadata
from pkgutil import resolve_name
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

from emulator.signatures import SIGNATURES

Original = Callable[..., Any]  # the function that a wrapper replaces

_LIBRARIES = ("ministack.", "uvicorn.")


class Mismatch(Exception):
    """A name of a library that is missing, or that differs from the expected one."""

    def __init__(self, name: str, difference: str) -> None:
        library = name.partition(".")[0]
        super().__init__(
            f"{library} {metadata.version(library)} does not fit the emulator: {difference}. "
            "Run `git restore requirements-dev.txt` to use the version that it locks, or adapt "
            "emulator/."
        )


class Patch(NamedTuple):
    """A name of a module or class, and the function that makes its new value from the original."""

    owner: Any
    name: str
    new: Callable[[Any], Any]


def replace(owner: Any, name: str, value: Any) -> Patch:
    """Return the patch that puts `value` in the place of a name."""
    return Patch(owner, name, lambda _: value)


def replace_in(owner: Any, name: str, **members: Any) -> Patch:
    """Return the patch that lets the owner alone see a module with other members."""
    return Patch(owner, name, lambda module: SimpleNamespace(**{**vars(module), **members}))


def wrap(owner: Any, name: str, wrapper: Callable[..., Any]) -> Patch:
    """Return the patch that calls `wrapper` instead, with the original as its first argument."""
    return Patch(owner, name, partial(partial, wrapper))


def signature(value: Any) -> str:
    """Return a function's parameters without defaults and types, or the type of another value."""
    if not callable(value):
        return type(value).__name__
    empty = inspect.Parameter.empty
    parameters = inspect.signature(value).parameters.values()
    names = inspect.Signature([one.replace(annotation=empty, default=empty) for one in parameters])
    return f"{'async ' if inspect.iscoroutinefunction(value) else ''}{names}"


def _full_name(owner: Any) -> str:
    if isinstance(owner, ModuleType):
        return f"{owner.__name__}."
    kind = owner if isinstance(owner, type) else type(owner)
    return f"{kind.__module__}.{kind.__qualname__}."


def _is_foreign(value: Any) -> bool:
    return _full_name(value).startswith(_LIBRARIES)


def _check_signature(name: str, expected: str) -> None:
    try:
        found = signature(resolve_name(name))
    except (AttributeError, ImportError):
        found = "missing"
    if found != expected:
        raise Mismatch(name, f"{name} is {found}, expected {expected}")


def _resolve(node: ast.expr, names: dict[str, Any]) -> Iterator[Any]:
    """Yield the value of a dotted name that begins with a module of a library."""
    if isinstance(node, ast.Name):
        value = names.get(node.id)
        if isinstance(value, ModuleType) and _is_foreign(value):
            yield value
    elif isinstance(node, ast.Attribute):
        for owner in _resolve(node.value, names):
            yield getattr(owner, node.attr)


def _check_names(module: ModuleType) -> None:
    """Check that every dotted name exists, and every attribute that a subclass inherits."""
    names = vars(module)
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Attribute):
            try:
                list(_resolve(node, names))
            except AttributeError as error:
                expression = ast.unparse(node)
                library = _full_name(names[expression.partition(".")[0]])
                raise Mismatch(
                    library, f"{error}, but {module.__name__} uses {expression}"
                ) from error
        elif isinstance(node, ast.ClassDef):
            _check_inherited(names[node.name], node)


def _check_inherited(kind: type, source: ast.ClassDef) -> None:
    bases = [base for base in kind.__mro__ if _is_foreign(base)]
    # A base class sets the attributes of its instances in its methods.
    methods = [each for base in bases for each in vars(base).values() if inspect.isfunction(each)]
    known = {*dir(kind), *(name for method in methods for name in method.__code__.co_names)}
    own = [
        node
        for node in ast.walk(source)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self"
    ]
    known |= {node.attr for node in own if isinstance(node.ctx, ast.Store)}
    for node in own if bases else ():
        if node.attr not in known:
            base = _full_name(bases[0])
            raise Mismatch(base, f"{base}{node.attr} is missing, but {kind.__module__} uses it")


def install(patches: Iterable[Patch]) -> None:
    """Check all names that the emulator replaces, reads or calls; then install the patches.

    Raises Mismatch before the first replacement.
    """
    patches = tuple(patches)
    for name, expected in SIGNATURES.items():
        _check_signature(name, expected)
    for name, module in tuple(sys.modules.items()):
        if name.startswith("emulator."):
            _check_names(module)
    unlisted = {_full_name(owner) + name for owner, name, _ in patches} - SIGNATURES.keys()
    assert not unlisted, f"add to emulator/signatures.py: {unlisted}"
    for owner, name, new in patches:
        setattr(owner, name, new(getattr(owner, name)))


@contextmanager
def exit_on_mismatch() -> Iterator[None]:
    """End the process with one line, if a name of a library is missing or differs."""
    try:
        yield
    except Mismatch as error:
        sys.exit(str(error))
    except (AttributeError, ImportError) as error:
        owner = f"{error.name}." if isinstance(error, ImportError) else _full_name(error.obj)
        if not owner.startswith(_LIBRARIES):
            raise
        sys.exit(str(Mismatch(owner, str(error))))
