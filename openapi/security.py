"""The security schemes of the API document, for client developers and for API Gateway."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from function.declare import authorizer_registry
from function.declare.auth import (
    SCOPED_KINDS,
    ApiKey,
    Auth,
    CognitoPool,
    CustomAuth,
    Iam,
    Jwt,
    Public,
    in_stack,
)
from function.declare.authorizer import Authorizer
from function.declare.endpoint import Endpoint

Scheme = dict[str, Any]

KEY_HEADER = "x-api-key"
_EXTENSION = "x-amazon-apigateway-auth"


class _Kind(NamedTuple):
    """The client's scheme of a kind of authentication, API Gateway's extensions and the headers."""

    scheme: Callable[[Any], Scheme]
    extension: Callable[[Any, str, Mapping[str, str]], Scheme] = lambda *_: {}
    headers: Callable[[Any], tuple[str, ...]] = lambda _: ("Authorization",)


def _in_header(name: str) -> Scheme:
    return {"type": "apiKey", "in": "header", "name": name}


def _bearer(_: Auth) -> Scheme:
    return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


def _custom(auth: CustomAuth) -> Scheme:
    return _in_header(_declared(auth).headers[0])


def _declared(auth: CustomAuth) -> Authorizer:
    return authorizer_registry.load_authorizers()[auth.name]


def _asked(kind: str, **authorizer: Any) -> Scheme:
    return {f"{_EXTENSION}type": kind, f"{_EXTENSION}orizer": authorizer}


def _pool(auth: CognitoPool, _: str, settings: Mapping[str, str]) -> Scheme:
    pool = in_stack(auth, settings).pool
    return _asked("cognito_user_pools", type="cognito_user_pools", providerARNs=[pool])


def _by_function(headers: tuple[str, ...], declared: Jwt | Authorizer, arn: str) -> Scheme:
    return _asked(
        "custom",
        type="request",
        authorizerUri=arn,
        authorizerResultTtlInSeconds=declared.cache_s,
        identitySource=", ".join(f"method.request.header.{name}" for name in headers),
    )


# One entry for each kind of function.declare.auth.KINDS.
SCHEMES: Mapping[type, _Kind] = {
    ApiKey: _Kind(lambda _: _in_header(KEY_HEADER), headers=lambda _: (KEY_HEADER,)),
    CognitoPool: _Kind(_bearer, _pool),
    CustomAuth: _Kind(
        _custom,
        lambda auth, arn, _: _by_function(_declared(auth).headers, _declared(auth), arn),
        lambda auth: _declared(auth).headers,
    ),
    Iam: _Kind(
        lambda _: _in_header("Authorization"),
        lambda *_: {f"{_EXTENSION}type": "awsSigv4"},
        lambda _: ("Authorization", "X-Amz-Date", "X-Amz-Security-Token"),
    ),
    Jwt: _Kind(_bearer, lambda auth, arn, _: _by_function(("Authorization",), auth, arn)),
    Public: _Kind(lambda _: {}, headers=lambda _: ()),
}


def headers(auth: Auth) -> tuple[str, ...]:
    """Return the headers with the credentials."""
    return SCHEMES[type(auth)].headers(auth)


def requirement(auth: Auth) -> list[dict[str, list[str]]]:
    """Return the `security` of an operation; an empty list for a Public endpoint."""
    return [] if isinstance(auth, Public) else [{auth.name: []}]


def _used(endpoints: Iterable[Endpoint[Any]]) -> dict[str, Auth]:
    used = {endpoint.auth.name: endpoint.auth for endpoint in endpoints}
    return {name: used[name] for name in sorted(used) if not isinstance(used[name], Public)}


def schemes(endpoints: Iterable[Endpoint[Any]]) -> dict[str, Scheme]:
    """Return the schemes that endpoints use, by name."""
    return {name: SCHEMES[type(auth)].scheme(auth) for name, auth in _used(endpoints).items()}


def gateway_schemes(
    endpoints: Iterable[Endpoint[Any]], authorizer_arn: str, settings: Mapping[str, str]
) -> dict[str, Scheme]:
    """Return the same schemes for API Gateway, which knows only those of type apiKey.

    `authorizer_arn` is the integration URI of the authorizers' function. `settings` are the
    environment variables of the stack's settings.
    """
    return {
        name: _in_header(headers(auth)[0])
        | SCHEMES[type(auth)].extension(auth, authorizer_arn, settings)
        for name, auth in _used(endpoints).items()
    }


def gateway_requirement(endpoint: Endpoint[Any]) -> list[dict[str, list[str]]]:
    """Return the `security` of an operation for API Gateway.

    A user pool's authorizer takes access tokens only if the operation names scopes.
    """
    scopes = list(endpoint.scopes) if isinstance(endpoint.auth, CognitoPool) else []
    return [{name: scopes for name in one} for one in requirement(endpoint.auth)]


def takes_tokens(endpoint: Endpoint[Any]) -> bool:
    """Test whether an authorizer verifies the credentials of an endpoint's callers."""
    return isinstance(endpoint.auth, SCOPED_KINDS)
