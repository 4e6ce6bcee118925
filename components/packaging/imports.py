"""Finds imports of the package that would fail in Lambda, although they may succeed here.

It reads sources and runs nothing, so it leaves out imports that may fail, under `try` or under a
condition.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from components.packaging.dependencies import BundleError
from components.packaging.interpreter import PYTHON_VERSION
from function.declare.diagnostics import explain

# The standard library's modules that a version of Python removed or added (PEP 594, PEP 632).
_REMOVED = {
    (3, 12): "asynchat asyncore distutils imp smtpd",
    (3, 13): "aifc audioop cgi cgitb chunk crypt imghdr lib2to3 mailcap msilib nis nntplib "
    "ossaudiodev pipes sndhdr spwd sunau telnetlib uu xdrlib _crypt",
}
_ADDED = {(3, 14): "annotationlib compression"}

# Modules that Lambda's runtime adds to the standard library. Its AWS SDK would not fit the
# bundle's botocore.
_RUNTIME = frozenset({"awslambdaric", "snapshot_restore_py"})

_HINTS = {
    "boto3": "use function.runtime.service, or add boto3 to {package}/requirements.in, then run: "
    "make lock test (docs/extending/aws-services.md)"
}
_HINT = "add it to {package}/requirements.in, then run: make lock test"

# An import under one of these conditions may fail.
_OPTIONAL = re.compile(
    "TYPE_CHECKING|ImportError|ModuleNotFoundError|'Exception'|version_info|platform"
)
# A compiled module that Lambda's Python can load, by its file's name after the first dot.
_COMPILED = re.compile(
    rf"(abi3|cpython-{PYTHON_VERSION.replace('.', '')}-aarch64-linux-gnu)\.so|so"
)


class _Import(NamedTuple):
    """An import of `module`, or of `names` from it, in a line of a file."""

    module: str
    names: tuple[str, ...]
    line: int

    @property
    def parents(self) -> list[str]:
        """The names of the module and of the packages around it."""
        return [*accumulate(self.module.split("."), lambda outer, name: f"{outer}.{name}")]


def standard_library(version: str = PYTHON_VERSION) -> set[str]:
    """Return the top-level modules of the standard library in a version of Python."""
    there = tuple(map(int, version.split(".")))
    modules = set(sys.stdlib_module_names)
    for since, names in _REMOVED.items():
        modules = modules - set(names.split()) if there >= since else modules | set(names.split())
    for since, names in _ADDED.items():
        modules = modules | set(names.split()) if there >= since else modules - set(names.split())
    return modules


def _modules(files: Iterable[str]) -> dict[str, str]:
    """Return the file of each module, by its dotted name; "" for a folder without __init__.py."""
    found: dict[str, str] = {}
    for name in files:
        *folders, last = name.split("/")
        for depth in range(1, len(folders) + 1):
            found.setdefault(".".join(folders[:depth]), "")
        stem, _, suffix = last.partition(".")
        if suffix == "py" or _COMPILED.fullmatch(suffix):
            found[".".join([*folders, stem][: -1 if stem == "__init__" else None])] = name
    return found


def _imports(tree: ast.AST, file: str) -> Iterator[_Import]:
    """Return the imports of a module that must succeed."""
    for node in ast.iter_child_nodes(tree):
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
    known = {name for name in modules if "." not in name} | standard_library() | _RUNTIME | {""}
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
    if module in sys.stdlib_module_names or any(module in one.split() for one in _REMOVED.values()):
        return (
            f"{here}: Python {PYTHON_VERSION}, which runs in Lambda, has no module {module}; do "
            f"without it, or add a package that provides it to {package}/requirements.in"
        )
    hint = _HINTS.get(module, _HINT).format(package=package)
    return f"{here}: {module} is not in the bundle; {hint}"


def _check_own(
    own: Mapping[str, Path], modules: Mapping[str, str], here: str, one: _Import
) -> None:
    """Raise BundleError unless the bundle has the module and the names that an own file imports."""
    wanted = one.parents
    holder = modules.get(one.module)
    if holder is not None and (not holder or holder.endswith("/__init__.py")):
        text = own[holder].read_text("utf-8", "replace") if holder else ""
        if not re.search(r"import \*|__getattr__", text):
            wanted += [
                f"{one.module}.{name}"
                for name in one.names
                if name != "*" and not re.search(rf"\b{name}\b", text)
            ]
    for name in wanted:
        if name not in modules:
            raise BundleError(
                f"{here}: {name} is not in the bundle; add {name.replace('.', '/')}.py, or correct "
                "the name (the bundle leaves out hidden files, and modules compiled for another "
                "Python)"
            )
