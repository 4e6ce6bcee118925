"""Loads the custom authorizers and checks their references.

The API's function never imports this.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from itertools import chain
from typing import Any

from function.declare.auth import KINDS, Auth, CustomAuth
from function.declare.authorizer import Authorizer
from function.declare.checks import declaration_errors
from function.declare.endpoint import Endpoint
from function.declare.errors import DeclarationError
from function.declare.loader import load_package
from function.declare.registry import load_tables, reference_errors, unknown_name_errors

# API Gateway's default quota of authorizers for an API.
_MAX_AUTHORIZERS = 10


@cache
def load_authorizers() -> Mapping[str, Authorizer]:
    """Return the custom authorizers by name; raise DeclarationError for an invalid one."""
    tables = load_tables()
    found = load_package("function.authorizers", Authorizer)
    for name, one in found.items():
        for error in chain(declaration_errors(one), reference_errors(one.permissions, tables)):
            raise DeclarationError(f"function/authorizers/{name}.py: {error}")
    return found


def used_authorizers(endpoints: Iterable[Endpoint[Any]]) -> dict[str, Auth]:
    """Return the kinds of authentication by name that API Gateway asks an authorizer for.

    Raises DeclarationError for an unknown custom authorizer, and for too many authorizers.
    """
    used: dict[str, Auth] = {}
    for endpoint in endpoints:
        auth = endpoint.auth
        if isinstance(auth, CustomAuth):
            for error in unknown_name_errors("authorizer", auth.name, load_authorizers()):
                raise DeclarationError(f"{endpoint.route}: auth: {error}")
        if KINDS[type(auth)].scoped:
            used[auth.name] = auth
    if len(used) > _MAX_AUTHORIZERS:
        names = ", ".join(sorted(used))
        raise DeclarationError(
            f"function/endpoints: {len(used)} authorizers ({names}); an API of API Gateway has at "
            f"most {_MAX_AUTHORIZERS}: let endpoints share them"
        )
    return used


def verified_by_function(endpoints: Iterable[Endpoint[Any]]) -> dict[str, Auth]:
    """Return those of them that the function of the authorizers verifies."""
    used = used_authorizers(endpoints)
    return {name: auth for name, auth in used.items() if KINDS[type(auth)].by_function}
