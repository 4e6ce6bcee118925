"""The kinds of authentication that an endpoint can require, and the caller that they verify.

Each kind has a `name`, which is unique in the API. It names the scheme in the API document.
"""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple, TypeAlias, get_args

from function.declare.checks import between, matches, not_empty
from function.declare.schema import EMPTY_MAPPING
from function.declare.setting import Setting

SchemeName: TypeAlias = Annotated[
    str, matches(r"[a-z][A-Za-z0-9_]{0,31}", "letters, digits and '_', at most 32 characters")
]
CacheTime: TypeAlias = Annotated[int, between(0, 3_600)]
# A text, or a setting of `function.settings` if it differs between the stacks.
StackText: TypeAlias = str | Setting[str]
_Issuer: TypeAlias = Annotated[
    StackText, matches(r"https://[^\s?#]+", "a URL like https://login.example.com/tenant")
]
_Pool: TypeAlias = Annotated[
    StackText, matches(r"arn:[^:]+:cognito-idp:.+:userpool/.+", "the ARN of a Cognito user pool")
]


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

    pool: _Pool
    name: SchemeName = "cognito"


class Jwt(NamedTuple):
    """A JSON Web Token of an OpenID Connect issuer.

    `issuer` is the issuer's URL, as in the claim `iss`. Its keys come from the configuration that
    the issuer publishes. `audience` must be in the claim `aud`. API Gateway keeps the result for a
    token for `cache_s` seconds (0 to 3,600).
    """

    issuer: _Issuer
    audience: Annotated[StackText, not_empty]
    name: SchemeName = "jwt"
    cache_s: CacheTime = 300

    @property
    def issuer_env_var(self) -> str:
        """The environment variable of the authorizer's function that holds the issuer's URL."""
        return f"{ISSUER_PREFIX}{self.name.upper()}"


class CustomAuth(NamedTuple):
    """Credentials that `function/authorizers/<name>.py` verifies."""

    name: SchemeName


Auth: TypeAlias = ApiKey | Public | Iam | CognitoPool | Jwt | CustomAuth

# The local run replaces the values of these variables by the address of its test issuer.
ISSUER_PREFIX = "JWT_ISSUER_"


KINDS: tuple[type[Auth], ...] = get_args(Auth)
# The kinds that can have scopes.
SCOPED_KINDS = (CognitoPool, Jwt, CustomAuth)
# The kinds that the function of the authorizers verifies.
FUNCTION_KINDS = (Jwt, CustomAuth)


def refusal_status(auth: Auth) -> int:
    """Return the status for a request without credentials."""
    return 401 if isinstance(auth, SCOPED_KINDS) else 403


def in_stack(auth: Auth, environment: Mapping[str, str]) -> Any:
    """Return an authentication with the values of its settings in a function's environment."""
    settings = {name: one for name, one in auth._asdict().items() if isinstance(one, Setting)}
    values: dict[str, Any] = {name: environment[one.env_var] for name, one in settings.items()}
    return auth._replace(**values)
