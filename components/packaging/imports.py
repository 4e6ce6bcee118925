"""Finds imports of the package that would fail in Lambda, although they may succeed here.

It reads sources and runs nothing, so it leaves out imports that may fail, under `try` or under a
condition.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from components.packaging.dependencies import BundleError
from components.packaging.interpreter import PYTHON_VERSION
from function.declare.diagnostics import explain

# The standard library's modules that Python 3.12 and 3.13 removed (PEP 594, PEP 632).
_REMOVED = frozenset(
    "aifc asynchat asyncore audioop cgi cgitb chunk crypt distutils imghdr imp lib2to3 mailcap "
    "msilib nis nntplib ossaudiodev pipes smtpd sndhdr spwd sunau telnetlib uu xdrlib".split()
)
# Lambda's runtime adds two modules. Its AWS SDK would not fit the bundle's botocore.
STANDARD_LIBRARY = sys.stdlib_module_names - _REMOVED | {"awslambdaric", "snapshot_restore_py"}

_HINTS = {
    "boto3": "use function.runtime.service, or add boto3 to {package}/requirements.in, then run: "
    "make lock test (docs/extending/aws-services.md)"
}
_HINT = "add it to {package}/requirements.in, then run: make lock test"

# An import under one of these conditions may fail.
_OPTIONAL = re.compile(
    "TYPE_CHECKING|ImportError|ModuleNotFoundError|'Exception'|version_info|platform"
)


class _Import(NamedTuple):
    """An import of `module`, or of `names` from it, in a line of a file."""

    module: str
    names: tuple[str, ...]
    line: int


def _modules(files: Iterable[str]) -> dict[str, str]:
    """Return the file of each module, by its dotted name; "" for a folder without __init__.py."""
    found: dict[str, str] = {}
    for name in files:
        *folders, last = name.split("/")
        for depth in range(1, len(folders) + 1):
            found.setdefault(".".join(folders[:depth]), "")
        stem, _, suffix = last.partition(".")
        if suffix == "py" or suffix.endswith("so"):
            found[".".join([*folders, stem][: -1 if stem == "__init__" else None])] = name
    return found


def _imports(tree: ast.AST, file: str) -> Iterator[_Import]:
    """Return the imports of a module that must succeed."""
    # Expressions hold no imports, and are nine of ten nodes.
    blocks = ("body", "orelse", "finalbody", "handlers", "cases")
    for node in chain.from_iterable(getattr(tree, name, ()) for name in blocks):
        if isinstance(node, ast.Import):
            yield from (_Import(alias.name, (), node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = file.split("/")[: -node.level] if node.level else []
            module = ".".join([*parents, *filter(None, [node.module])])
            yield _Import(module, tuple(alias.name for alias in node.names), node.lineno)
        elif not _is_optional(node):
            yield from _imports(node, file)


def _is_optional(node: ast.AST) -> bool:
    if isinstance(node, ast.If):
        return bool(_OPTIONAL.search(ast.dump(node.test)))
    if isinstance(node, ast.Try):
        caught = "".join(map(ast.dump, node.handlers))
        return bool(_OPTIONAL.search(caught)) or any(not each.type for each in node.handlers)
    if isinstance(node, ast.With):
        return any(_OPTIONAL.search(ast.dump(item)) for item in node.items)
    return False


def check_imports(package: str, own: Mapping[str, Path], theirs: Iterable[str]) -> None:
    """Raise BundleError for an import of an own module that would fail in Lambda.

    `own` and `theirs` are the files of the package and of its dependencies, by name.
    """
    modules = _modules([*theirs, *own])
    known = {name for name in modules if "." not in name} | STANDARD_LIBRARY | {""}
    for file, path in own.items():
        if not file.endswith(".py"):
            continue
        try:
            tree = ast.parse(path.read_bytes(), str(path))
        except (SyntaxError, ValueError, RecursionError) as error:
            raise BundleError(explain(error) or f"{file}: {error}") from None
        for one in _imports(tree, file):
            here = f"{file}, line {one.line}"
            top = one.module.partition(".")[0]
            if top not in known:
                raise BundleError(_missing(package, here, top))
            if top == package:
                _check_own(own, modules, here, one)


def _missing(package: str, here: str, module: str) -> str:
    if here.startswith(own := f"{package}/authorizers/"):  # they have their own lock
        package = own.rstrip("/")
    if module in _REMOVED:
        return (
            f"{here}: Python {PYTHON_VERSION} has no module {module}; do without it, or add a "
            f"package that provides it to {package}/requirements.in"
        )
    hint = _HINTS.get(module, _HINT).format(package=package)
    return f"{here}: {module} is not in the bundle; {hint}"


def _check_own(
    own: Mapping[str, Path], modules: Mapping[str, str], here: str, one: _Import
) -> None:
    """Raise BundleError unless the bundle has the module and the names that an own file imports."""
    file = modules.get(one.module)
    missing = [one.module] if file is None else []
    if file == "" or file and file.endswith("/__init__.py"):
        text = own[file].read_text("utf-8", "replace") if file else ""
        if not re.search(r"import \*|__getattr__", text):
            defined = {"*", *re.findall(r"\w+", text)}
            names = (f"{one.module}.{name}" for name in one.names if name not in defined)
            missing += [name for name in names if name not in modules]
    if missing:
        raise BundleError(
            f"{here}: {missing[0]} is not in the bundle; add {missing[0].replace('.', '/')}.py, or "
            "correct the name (the bundle leaves out hidden files)"
        )
