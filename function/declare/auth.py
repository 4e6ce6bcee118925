"""The kinds of authentication that an endpoint can require, and the caller that they verify.

Each kind has a `name`, which is unique in the API. It names the scheme in the API document.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, NamedTuple, TypeAlias

from function.declare.checks import between, matches, not_empty
from function.declare.schema import EMPTY_MAPPING
from function.declare.setting import Setting

# API Gateway's longest time to keep the result of an authorizer, in seconds.
MAX_CACHE_S = 3_600

SchemeName: TypeAlias = Annotated[
    str, matches(r"[a-z][A-Za-z0-9_]{0,31}", "letters, digits and '_', at most 32 characters")
]
# A scope as RFC 6749 defines it, section 3.3.
Scope: TypeAlias = Annotated[
    str, matches(r"[\x21\x23-\x5b\x5d-\x7e]+", "visible ASCII without quotes and backslashes")
]
CacheTime: TypeAlias = Annotated[int, between(0, MAX_CACHE_S)]
# A text, or a setting of `function.settings` if it differs between the stacks.
StackText: TypeAlias = str | Setting[str]

# Compiled on first use, which is never in a cold start.
_ISSUER = r"https://[a-z0-9.-]+(:\d+)?(/[^\s?#]*)?"
_POOL = r"arn:aws[a-z-]*:cognito-idp:[a-z0-9-]+:\d{12}:userpool/[A-Za-z0-9_-]+"


class Identity(NamedTuple):
    """The verified caller of a request.

    `id` is unique among the callers of all kinds: use it to keep their data apart. It is the id of
    an API key, the ARN of an IAM caller, `issuer#subject` of a token, or `authorizer#id` of a
    custom authorizer. It is empty for a Public endpoint.

    `claims` are the further facts about the caller: those of the token, or of its authorizer.
    API Gateway turns the claims of a Cognito token into texts. `scopes` are the granted scopes.
    """

    id: str = ""
    claims: Mapping[str, Any] = EMPTY_MAPPING
    scopes: frozenset[str] = frozenset()


class ApiKey(NamedTuple):
    """An API key in the header x-api-key; its usage plan limits the calls."""

    name: str = "apiKey"


class Public(NamedTuple):
    """No authentication: only the stage's throttle limits the calls."""

    name: str = "public"


class Iam(NamedTuple):
    """A signature (SigV4) of an AWS identity that may call `execute-api:Invoke` on the route."""

    name: str = "iam"


class CognitoPool(NamedTuple):
    """A token of a Cognito user pool, which API Gateway verifies itself.

    `pool` is the ARN of the pool. Without scopes, an endpoint takes ID tokens; with scopes, access
    tokens.
    """

    pool: StackText
    name: SchemeName = "cognito"

    def errors(self) -> Iterator[str]:
        """Yield an error for a pool without a valid ARN."""
        if isinstance(self.pool, str):
            yield from text_errors(self, {})


class Jwt(NamedTuple):
    """A JSON Web Token of an OpenID Connect issuer.

    `issuer` is the issuer's URL, as in the claim `iss`. Its keys come from the configuration that
    the issuer publishes. `audience` must be in the claim `aud`. API Gateway keeps the result for a
    token for `cache_s` seconds (0 to 3,600).
    """

    issuer: StackText
    audience: Annotated[StackText, not_empty]
    name: SchemeName = "jwt"
    cache_s: CacheTime = 300

    @property
    def issuer_env_var(self) -> str:
        """The environment variable of the authorizer's function that holds the issuer's URL."""
        return f"{ISSUER_PREFIX}{self.name.upper()}"

    def errors(self) -> Iterator[str]:
        """Yield an error for an issuer without a valid URL."""
        if isinstance(self.issuer, str):
            yield from text_errors(self, {})


class CustomAuth(NamedTuple):
    """Credentials that `function/authorizers/<name>.py` verifies."""

    name: SchemeName


Auth: TypeAlias = ApiKey | Public | Iam | CognitoPool | Jwt | CustomAuth

# The local run replaces the values of these variables by the address of its test issuer.
ISSUER_PREFIX = "JWT_ISSUER_"


class AuthKind(NamedTuple):
    """Properties of a kind of authentication.

    `refusal` is the status for a request without credentials. `scoped` kinds can have scopes. The
    function of the authorizers verifies the `by_function` kinds.
    """

    refusal: int = 401
    scoped: bool = True
    by_function: bool = False


# One entry for each kind. function.runtime.identity and openapi.security have one for each, too.
KINDS: Mapping[type, AuthKind] = {
    ApiKey: AuthKind(refusal=403, scoped=False),
    Public: AuthKind(scoped=False),
    Iam: AuthKind(refusal=403, scoped=False),
    CognitoPool: AuthKind(),
    Jwt: AuthKind(by_function=True),
    CustomAuth: AuthKind(by_function=True),
}


def stack_text(value: StackText, environment: Mapping[str, str]) -> str:
    """Return a text, or the value of a setting in a function's environment."""
    return environment[value.env_var] if isinstance(value, Setting) else value


def _place(field: str, value: StackText) -> str:
    """Return the field, and the setting that its value comes from."""
    return f"{field}, by the setting {value.name}" if isinstance(value, Setting) else field


def text_errors(auth: Auth, environment: Mapping[str, str]) -> Iterator[str]:
    """Yield an error for an issuer or a pool that API Gateway or the function would not find."""
    if isinstance(auth, Jwt):
        issuer = stack_text(auth.issuer, environment)
        if not re.fullmatch(_ISSUER, issuer):
            yield f"{_place('issuer', auth.issuer)}: {issuer!r} must be a URL like https://login.example.com/tenant"
        if isinstance(auth.audience, Setting) and environment.get(auth.audience.env_var) == "":
            yield f"{_place('audience', auth.audience)}: must not be empty"
    if isinstance(auth, CognitoPool):
        pool = stack_text(auth.pool, environment)
        if not re.fullmatch(_POOL, pool):
            yield f"{_place('pool', auth.pool)}: {pool!r} must be the ARN of a Cognito user pool"
