"""Loads the modules of endpoints and jobs, each with one declaration.

A cold start needs no more than this: `registry` has checked the declarations before a deployment.
"""

import importlib
import os
from functools import cache
from typing import Any, TypeVar

from function.declare.endpoint import Endpoint
from function.declare.errors import DeclarationError

T = TypeVar("T")


def load_module(package: str, name: str, kind: type[T]) -> T:
    """Return the declaration of a module, such as its `JOB`; raise DeclarationError for none."""
    variable = kind.__name__.upper()
    declared = getattr(importlib.import_module(f"{package}.{name}"), variable, None)
    if not isinstance(declared, kind):
        raise DeclarationError(
            f"{package.replace('.', '/')}/{name}.py declares no {variable}; "
            f"assign {variable} = {kind.__name__}(…)"
        )
    return declared


def load_package(package: str, kind: type[T]) -> dict[str, T]:
    """Return the declaration of each module of a package, sorted by name.

    Ignores other files: notes, an editor's copies, `_shared.py`. Raises DeclarationError for a
    folder.
    """
    found = {}
    folder = importlib.import_module(package).__path__[0]
    for file in sorted(os.listdir(folder)):
        name, suffix = os.path.splitext(file)
        if file[0] in "._":
            continue
        if os.path.isdir(os.path.join(folder, file)):
            where = f"{package.replace('.', '/')}/{file}"
            raise DeclarationError(f"{where} is a folder; move its modules into its parent folder")
        if suffix == ".py":
            found[name] = load_module(package, name, kind)
    return found


@cache
def endpoints_by_module() -> dict[str, Endpoint[Any]]:
    """Return each module's endpoint; raise DeclarationError for a module without one."""
    return load_package("function.endpoints", Endpoint)
