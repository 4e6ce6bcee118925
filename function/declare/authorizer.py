"""Authorizer: a function of yours that verifies the credentials of a request.

A module in `function/authorizers/` declares one as its `AUTHORIZER`. Endpoints name it by
`auth=CustomAuth("<module>")`.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, NamedTuple

from function.declare.auth import CacheTime, Identity
from function.declare.checks import matches, not_empty, runs_when_called
from function.declare.permission import Permission, calls_end_within
from function.declare.setting import Settings

# The timeout of the authorizers' function in seconds; API Gateway waits longer.
AUTHORIZER_TIMEOUT_S = 10

_Header = Annotated[str, matches(r"[A-Za-z0-9-]+", "the name of a header")]


class Credentials(NamedTuple):
    """The credentials of a request: each declared header, under its lower-case name.

    API Gateway keeps the result for equal values of these headers, so it must depend on nothing
    else of the request.
    """

    headers: Mapping[str, str]
    settings: Settings


class Authorizer(NamedTuple):
    """A custom authorizer.

    `authenticate` returns the caller, or None for wrong credentials: the client receives 401. The
    `id` of the caller must be unique within this authorizer. A request without one of the `headers`
    receives 401 without a call. API Gateway keeps a caller for `cache_s` seconds (0 to 3,600).
    """

    authenticate: Annotated[Callable[[Credentials], Identity | None], runs_when_called]
    headers: Annotated[tuple[_Header, ...], not_empty] = ("Authorization",)
    permissions: Annotated[tuple[Permission, ...], calls_end_within(AUTHORIZER_TIMEOUT_S)] = ()
    cache_s: CacheTime = 300
