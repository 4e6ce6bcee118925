"""Loads the custom authorizers and checks their references.

The API's function never imports this.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from function.declare.auth import FUNCTION_KINDS, Auth, CustomAuth
from function.declare.authorizer import Authorizer
from function.declare.checks import declaration_errors
from function.declare.endpoint import Endpoint
from function.declare.loader import load_package
from function.declare.registry import raise_first, reference_errors, unknown_name_errors


@cache
def load_authorizers() -> Mapping[str, Authorizer]:
    """Return the custom authorizers by name; raise DeclarationError for an invalid one."""
    found = load_package("function.authorizers", Authorizer)
    for name, one in found.items():
        where = f"function/authorizers/{name}.py"
        raise_first(where, declaration_errors(one), reference_errors(*one.permissions))
    return found


def verified_by_function(endpoints: Iterable[Endpoint[Any]]) -> dict[str, Auth]:
    """Return the kinds of authentication by name that the function of the authorizers verifies.

    Raises DeclarationError for an unknown custom authorizer.
    """
    used: dict[str, Auth] = {}
    for endpoint in endpoints:
        auth = endpoint.auth
        if isinstance(auth, CustomAuth):
            errors = unknown_name_errors("authorizer", auth.name, load_authorizers())
            raise_first(f"{endpoint.route}: auth", errors)
        if isinstance(auth, FUNCTION_KINDS):
            used[auth.name] = auth
    return used
