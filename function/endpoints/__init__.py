"""Every module in this package declares one endpoint, as its `ENDPOINT`."""

import importlib
import re
from collections.abc import Mapping
from functools import cache
from itertools import accumulate
from typing import Any

from function.contract import Access, DeclarationError, Endpoint
from function.resources import declared_tables, modules, wrong_access

# The API's version for its clients (semver.org): another first number where one of them may break.
VERSION = "1.0.0"


def check(endpoints: Mapping[str, Endpoint[Any]]) -> tuple[Endpoint[Any], ...]:
    """Return the endpoints, given by module, ordered by route; raise DeclarationError where one
    cannot work, or two cannot coexist."""
    tables = declared_tables()
    routes: dict[str, Endpoint[Any]] = {}
    folders: dict[str, str] = {}
    parameters: dict[str, str] = {}
    origins: dict[str, tuple[str, ...]] = {}
    files: dict[str, str] = {}
    for name, endpoint in endpoints.items():
        file = f"function/endpoints/{name}.py"
        where = f"{file}: {endpoint.route}"
        for problem in endpoint.problems():
            raise DeclarationError(f"{where}: {problem}")
        if (other := files.setdefault(endpoint.route, file)) != file:
            raise DeclarationError(f"{where} is declared twice, also in {other}")
        # API Gateway refuses siblings that differ only in the name of their parameter.
        for match in re.finditer(r"\{[^}]+\}", endpoint.path):
            before = endpoint.path[: match.start()]
            known = parameters.setdefault(before, match.group())
            if known != match.group():
                raise DeclarationError(
                    f"{where}: {before}{match.group()} is already {before}{known}"
                )
        for folder in accumulate(endpoint.path.split("/"), lambda path, part: f"{path}/{part}"):
            # Resources and models are called by a path's letters and digits alone.
            bare = re.sub(r"[^a-z0-9]", "", re.sub(r"\{[^}]*\}", "by", folder.lower()))
            other = folders.setdefault(bare, folder)
            if other != folder:
                raise DeclarationError(f"{where}: {folder} is too like {other}")
        if origins.setdefault(endpoint.path, endpoint.cors) != endpoint.cors:
            raise DeclarationError(
                f"{where}: cors must be that of the path's other endpoints, "
                f"{origins[endpoint.path]}"
            )
        for access in endpoint.access:
            if isinstance(access, Access):
                for problem in wrong_access(access, tables):
                    raise DeclarationError(f"{where}: {problem}")
        routes[endpoint.route] = endpoint
    return tuple(routes[route] for route in sorted(routes))


@cache
def by_module() -> Mapping[str, Endpoint[Any]]:
    """Return each module's endpoint; raise DeclarationError for a module without one."""
    found = {}
    for name in modules(__path__[0], __name__):
        module = importlib.import_module(f"{__name__}.{name}")
        if not isinstance(getattr(module, "ENDPOINT", None), Endpoint):
            raise DeclarationError(f"function/endpoints/{name}.py declares no ENDPOINT")
        found[name] = module.ENDPOINT
    return found


@cache
def declared() -> tuple[Endpoint[Any], ...]:
    """Return the endpoints of this package; raise DeclarationError for what cannot work."""
    if not by_module():
        raise DeclarationError("function/endpoints has no module yet; docs/extending.md shows one")
    return check(by_module())
