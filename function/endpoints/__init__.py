"""Every module in this package declares one endpoint, as its `ENDPOINT`."""

import importlib
import pkgutil
import re
from collections.abc import Iterable
from functools import cache

from function.contract import DeclarationError, Endpoint
from function.tables import TABLES


def check(endpoints: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """Return the endpoints ordered by route; raise DeclarationError where two cannot coexist."""
    routes: dict[str, Endpoint] = {}
    parameters: dict[str, str] = {}
    for endpoint in endpoints:
        if endpoint.route in routes:
            raise DeclarationError(f"{endpoint.route} is declared twice")
        for access in endpoint.access:
            if access.table not in TABLES:
                raise DeclarationError(
                    f"{endpoint.route}: unknown table {access.table!r}; "
                    f"known tables: {', '.join(TABLES)}"
                )
        # API Gateway refuses siblings that differ only in the name of their parameter.
        for match in re.finditer(r"\{[^}]+\}", endpoint.path):
            before = endpoint.path[: match.start()]
            other = parameters.setdefault(before, match.group())
            if other != match.group():
                raise DeclarationError(
                    f"{endpoint.route}: {before}{match.group()} is already {before}{other}"
                )
        routes[endpoint.route] = endpoint
    return tuple(routes[route] for route in sorted(routes))


@cache
def declared() -> tuple[Endpoint, ...]:
    """Return the endpoints of this package; raise DeclarationError for a module without one."""
    found = []
    for name in sorted(module.name for module in pkgutil.iter_modules(__path__)):
        module = importlib.import_module(f"{__name__}.{name}")
        if not isinstance(getattr(module, "ENDPOINT", None), Endpoint):
            raise DeclarationError(f"function/endpoints/{name}.py declares no ENDPOINT")
        found.append(module.ENDPOINT)
    return check(found)
