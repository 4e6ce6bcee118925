"""Reads the verified caller from API Gateway's event, never from the client's headers."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from function.declare.auth import (
    ApiKey,
    Auth,
    CognitoPool,
    CustomAuth,
    Iam,
    Identity,
    Jwt,
    Public,
    refusal_status,
)
from function.declare.endpoint import Endpoint
from function.declare.problem import Problem

Context = Mapping[str, Any]

# Clocks of issuer and functions may differ by so many seconds.
LEEWAY_S = 10


def _api_key(context: Context) -> Identity:
    return Identity(str(context["identity"].get("apiKeyId") or ""))


def _iam(context: Context) -> Identity:
    found = context["identity"]
    names = ("accountId", "caller", "cognitoIdentityId", "principalOrgId", "userArn")
    claims = {name: found[name] for name in names if found.get(name)}
    return Identity(str(found["userArn"] or ""), claims)  # null without a signature


def _cognito(context: Context) -> Identity:
    claims = context["authorizer"]["claims"]
    scopes = frozenset(claims.get("scope", "").split())
    return Identity(f"{claims['iss']}#{claims['sub']}", claims, scopes)


def _authorizer(context: Context) -> Identity:
    found = context["authorizer"]
    claims = json.loads(found["claims"])
    return Identity(found["principalId"], claims, frozenset(found["scopes"].split()))


def _jwt(context: Context) -> Identity:
    """Return the caller of a token that is valid now: API Gateway may have kept the result."""
    found = _authorizer(context)
    return found if found.claims["exp"] > time.time() - LEEWAY_S else Identity()


# One entry for each kind of function.declare.auth.KINDS.
READERS: Mapping[type, Callable[[Context], Identity]] = {
    ApiKey: _api_key,
    CognitoPool: _cognito,
    CustomAuth: _authorizer,
    Iam: _iam,
    Jwt: _jwt,
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

    API Gateway refuses a missing caller before, unless a wrong document is deployed or a token has
    expired since.
    """
    if not identity.id and not isinstance(endpoint.auth, (ApiKey, Public)):
        status = refusal_status(endpoint.auth)
        raise Problem(status, "The call is not allowed, or the token has expired.")
    if missing := sorted(set(endpoint.scopes) - identity.scopes):
        raise Problem(403, f"The caller lacks the scope {', '.join(missing)}.")
