"""Reads the caller that API Gateway verified for a request, never what the client's headers say."""

from collections.abc import Callable, Mapping
from typing import Any

from function.declare.auth import ApiKey, Auth, Iam, Identity, Public
from function.declare.endpoint import Endpoint
from function.declare.problem import Problem

Context = Mapping[str, Any]


def _api_key(context: Context) -> Identity:
    return Identity(str(context["identity"].get("apiKeyId") or ""))


def _iam(context: Context) -> Identity:
    found = context["identity"]
    names = ("accountId", "caller", "cognitoIdentityId", "principalOrgId", "userArn")
    claims = {name: found[name] for name in names if found.get(name)}
    return Identity(str(found["userArn"]), claims)


# One entry for each kind of function.declare.auth.KINDS.
READERS: Mapping[type, Callable[[Context], Identity]] = {
    ApiKey: _api_key,
    Iam: _iam,
    Public: lambda _: Identity(),
}


def read(auth: Auth, context: Context) -> Identity:
    """Return the caller from an event's `requestContext`; one without an id if it has none."""
    try:
        return READERS[type(auth)](context)
    except (AttributeError, KeyError, TypeError, ValueError):
        return Identity()


def check(endpoint: Endpoint[Any], identity: Identity) -> None:
    """Raise Problem for a caller that the endpoint's `auth` does not allow.

    API Gateway refuses callers before. This holds if a wrong document is deployed.
    """
    if not identity.id and not isinstance(endpoint.auth, (ApiKey, Public)):
        raise Problem(403, "The call is not allowed.")
