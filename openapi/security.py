"""The security schemes of the API document, for client developers and for API Gateway."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from function.declare.auth import ApiKey, Auth, Iam, Public
from function.declare.endpoint import Endpoint

Scheme = dict[str, Any]

KEY_HEADER = "x-api-key"
_AUTH_TYPE = "x-amazon-apigateway-authtype"


def _api_key(_: ApiKey) -> Scheme:
    return {"type": "apiKey", "in": "header", "name": KEY_HEADER}


def _iam(_: Iam) -> Scheme:
    header = {"type": "apiKey", "in": "header", "name": "Authorization"}
    return {**header, _AUTH_TYPE: "awsSigv4"}


# By kind of authentication; a Public endpoint has no scheme.
SCHEMES: Mapping[type, Callable[[Any], Scheme]] = {ApiKey: _api_key, Iam: _iam}


def requirement(auth: Auth) -> list[dict[str, list[str]]]:
    """Return the `security` of an operation; an empty list for a Public endpoint."""
    return [] if isinstance(auth, Public) else [{auth.name: []}]


def schemes(endpoints: Iterable[Endpoint[Any]]) -> dict[str, Scheme]:
    """Return the schemes that endpoints use, by name."""
    used = {endpoint.auth.name: endpoint.auth for endpoint in endpoints}
    found = {auth.name: SCHEMES[type(auth)] for auth in used.values() if type(auth) in SCHEMES}
    return {name: make(used[name]) for name, make in sorted(found.items())}
