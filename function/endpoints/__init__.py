"""Every module in this package declares one endpoint, as its `ENDPOINT`."""

import importlib
import pkgutil
from collections.abc import Iterable
from functools import cache

from function.contract import DeclarationError, Endpoint
from function.tables import TABLES


def check(endpoints: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """Return the endpoints ordered by route; raise DeclarationError where two cannot coexist."""
    routes: dict[str, Endpoint] = {}
    for endpoint in endpoints:
        if endpoint.route in routes:
            raise DeclarationError(f"{endpoint.route} is declared twice")
        for access in endpoint.access:
            if access.table not in TABLES:
                raise DeclarationError(
                    f"{endpoint.route}: unknown table {access.table!r}; "
                    f"known tables: {', '.join(TABLES)}"
                )
        routes[endpoint.route] = endpoint
    return tuple(routes[route] for route in sorted(routes))


@cache
def declared() -> tuple[Endpoint, ...]:
    """Return the endpoints of this package."""
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return check(importlib.import_module(f"{__name__}.{module}").ENDPOINT for module in modules)
