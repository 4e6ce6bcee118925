"""The kinds of authentication that an endpoint can require, and the caller that they verify.

Each kind has a `name`, which is unique in the API. It names the scheme in the API document.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from function.declare.schema import EMPTY_MAPPING


class Identity(NamedTuple):
    """The verified caller of a request.

    `id` differs between any two callers, whatever their kinds of authentication are: use it to keep
    their data apart. It is the id of an API key or the ARN of an IAM caller, and it is empty for
    a Public endpoint. `claims` are the further facts about the caller.
    """

    id: str = ""
    claims: Mapping[str, Any] = EMPTY_MAPPING


class ApiKey(NamedTuple):
    """An API key in the header x-api-key; its usage plan limits the calls."""

    name: str = "apiKey"


class Public(NamedTuple):
    """No authentication: only the stage's throttle limits the calls."""

    name: str = "public"


class Iam(NamedTuple):
    """A signature (SigV4) of an AWS identity that may call `execute-api:Invoke` on the route."""

    name: str = "iam"


Auth: TypeAlias = ApiKey | Public | Iam


class AuthKind(NamedTuple):
    """Properties of a kind of authentication.

    `headers` are those that a browser needs to send. `refusal` is API Gateway's status for a
    request without credentials.
    """

    headers: tuple[str, ...] = ()
    refusal: int = 403


# One entry for each kind. function.runtime.identity and openapi.security have one for each, too.
KINDS: Mapping[type, AuthKind] = {
    ApiKey: AuthKind(headers=("x-api-key",)),
    Public: AuthKind(),
    Iam: AuthKind(headers=("authorization", "x-amz-date", "x-amz-security-token")),
}
