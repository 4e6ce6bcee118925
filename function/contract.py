"""The types that an endpoint is declared with and written against.

Nothing here imports boto3 or knows Lambda, so the Pulumi program, the tests and a cold start
all read the declarations for the price of a few dataclasses.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_PATH = re.compile(r"(/([A-Za-z0-9._:-]+|\{[A-Za-z0-9._-]+\}))+")
_ACTION = re.compile(r"[a-z0-9-]+:[A-Z][A-Za-z0-9]*")


class DeclarationError(ValueError):
    """A declaration that cannot work: says which one, what is wrong and what is allowed."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One call, as an endpoint sees it.

    `headers` have lower-case names; `path_parameters` are the values of `{name}` path segments.
    `ip` is the caller's address as API Gateway saw it; `api_key_id` the key's id, never its value.
    """

    ip: str
    api_key_id: str
    request_id: str
    headers: Mapping[str, str] = field(default_factory=dict)
    path_parameters: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an endpoint returns: an HTTP status, a JSON body and extra headers.

    `notes` go to the request's log line and, where they are short strings or booleans, to the
    trace as annotations; they never reach the client.
    """

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str | bool] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Access:
    """IAM actions that an endpoint needs on one of the stack's tables."""

    table: str
    actions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A method on a path, declared once; routing, permissions and documentation follow from it."""

    method: str
    path: str
    summary: str
    handle: Callable[[Request], Answer]
    access: tuple[Access, ...] = ()

    @property
    def route(self) -> str:
        """The name of the route in logs, metrics and traces, for example `POST /epoch`."""
        return f"{self.method} {self.path}"

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise DeclarationError(
                f"{self.route}: method must be one of {', '.join(sorted(METHODS))}"
            )
        if not _PATH.fullmatch(self.path):
            raise DeclarationError(
                f"{self.route}: path must be /segments of letters, digits, '.', '_', ':', '-' "
                "or a {parameter}, without a trailing slash"
            )
        for access in self.access:
            for action in access.actions:
                if not _ACTION.fullmatch(action):
                    raise DeclarationError(
                        f"{self.route}: {action!r} is not an IAM action such as dynamodb:PutItem"
                    )
