"""The security schemes of the API document, for client developers and for API Gateway."""

from collections.abc import Iterable, Mapping
from typing import Any

from function.declare import authorizer_registry
from function.declare.auth import ApiKey, Auth, CognitoPool, CustomAuth, Iam, Jwt, Public, in_stack
from function.declare.endpoint import Endpoint

Scheme = dict[str, Any]

KEY_HEADER = "x-api-key"
_EXTENSION = "x-amazon-apigateway-auth"


def headers(auth: Auth) -> tuple[str, ...]:
    """Return the headers with the credentials."""
    match auth:
        case ApiKey():
            return (KEY_HEADER,)
        case CognitoPool() | Jwt():
            return ("Authorization",)
        case CustomAuth(name):
            return authorizer_registry.load_authorizers()[name].headers
        case Iam():
            return ("Authorization", "X-Amz-Date", "X-Amz-Security-Token")
        case Public():
            return ()


def _in_header(auth: Auth) -> Scheme:
    return {"type": "apiKey", "in": "header", "name": headers(auth)[0]}


def _verified_by(auth: Auth, authorizer_arn: str, settings: Mapping[str, str]) -> Scheme:
    """Return API Gateway's extensions of a scheme, which name the verifier of the credentials."""
    authorizer: Scheme
    match auth:
        case ApiKey() | Public():
            return {}
        case Iam():
            return {f"{_EXTENSION}type": "awsSigv4"}
        case CognitoPool():
            kind, pool = "cognito_user_pools", in_stack(auth, settings).pool
            authorizer = {"type": kind, "providerARNs": [pool]}
        case Jwt() | CustomAuth():
            declared = (
                auth if isinstance(auth, Jwt) else authorizer_registry.load_authorizers()[auth.name]
            )
            kind, sources = "custom", (f"method.request.header.{name}" for name in headers(auth))
            authorizer = {
                "type": "request",
                "authorizerUri": authorizer_arn,
                "authorizerResultTtlInSeconds": declared.cache_s,
                "identitySource": ", ".join(sources),
            }
    return {f"{_EXTENSION}type": kind, f"{_EXTENSION}orizer": authorizer}


def requirement(auth: Auth) -> list[dict[str, list[str]]]:
    """Return the `security` of an operation; an empty list for a Public endpoint."""
    return [] if isinstance(auth, Public) else [{auth.name: []}]


def _used(endpoints: Iterable[Endpoint[Any]]) -> dict[str, Auth]:
    used = {endpoint.auth.name: endpoint.auth for endpoint in endpoints}
    return {name: used[name] for name in sorted(used) if not isinstance(used[name], Public)}


def schemes(endpoints: Iterable[Endpoint[Any]]) -> dict[str, Scheme]:
    """Return the schemes that endpoints use, by name."""
    bearer = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    return {
        name: bearer if isinstance(auth, CognitoPool | Jwt) else _in_header(auth)
        for name, auth in _used(endpoints).items()
    }


def gateway_schemes(
    endpoints: Iterable[Endpoint[Any]], authorizer_arn: str, settings: Mapping[str, str]
) -> dict[str, Scheme]:
    """Return the same schemes for API Gateway, which knows only those of type apiKey.

    `authorizer_arn` is the integration URI of the authorizers' function. `settings` are the
    environment variables of the stack's settings.
    """
    return {
        name: _in_header(auth) | _verified_by(auth, authorizer_arn, settings)
        for name, auth in _used(endpoints).items()
    }


def gateway_requirement(endpoint: Endpoint[Any]) -> list[dict[str, list[str]]]:
    """Return the `security` of an operation for API Gateway.

    A user pool's authorizer takes access tokens only if the operation names scopes.
    """
    scopes = list(endpoint.scopes) if isinstance(endpoint.auth, CognitoPool) else []
    return [{name: scopes for name in one} for one in requirement(endpoint.auth)]
