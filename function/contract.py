"""The types that an endpoint is declared with and written against.

Nothing here imports boto3 or knows Lambda, so the Pulumi program, the tests and a cold start
all read the declarations for the price of a few dataclasses.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_SEGMENT = re.compile(r"[A-Za-z0-9._:-]+|\{([A-Za-z0-9._-]+)\}")
_ACTION = re.compile(r"[a-z0-9-]+:[A-Z][A-Za-z0-9]*")
# RFC 9110, section 5.6.2: token.
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")

Schema = Mapping[str, Any]

# RFC 9457. `requestId` is API Gateway's id of the request, to quote when asking for help.
PROBLEM: Schema = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "requestId"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "requestId": {"type": "string"},
    },
}


class DeclarationError(ValueError):
    """A declaration that cannot work: says which one, what is wrong and what is allowed."""


class Problem(Exception):
    """Raised by an endpoint to answer with a problem document (RFC 9457).

    `detail` reaches the client: it must name nothing of what lies behind the API.
    """

    def __init__(
        self, status: int, detail: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}


@dataclass(frozen=True, kw_only=True)
class Request:
    """One call, as an endpoint sees it.

    `headers` have lower-case names; `path_parameters` are the values of `{name}` path segments.
    `ip` is the caller's address, believed only from API Gateway and declared proxies;
    `api_key_id` is the key's id, never its value.
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

    `notes` go to the request's log line and to the trace as annotations; they never reach the
    client.
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
class Parameter:
    """A header or query parameter that an endpoint takes. API Gateway refuses a call without
    a required one with 400."""

    name: str
    description: str
    required: bool = False


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A method on a path, declared once; routing, permissions and documentation follow from it.

    `answers` maps each status of success to the JSON schema of its body. Problems need no
    mention: every endpoint has them.
    """

    method: str
    path: str
    summary: str
    handle: Callable[[Request], Answer]
    answers: Mapping[int, Schema]
    headers: tuple[Parameter, ...] = ()
    query: tuple[Parameter, ...] = ()
    access: tuple[Access, ...] = ()

    @property
    def route(self) -> str:
        """The name of the route in logs, metrics and traces, for example `POST /epoch`."""
        return f"{self.method} {self.path}"

    @property
    def path_parameters(self) -> tuple[str, ...]:
        """The names of the `{name}` segments, from left to right."""
        return tuple(re.findall(r"\{([^}]+)\}", self.path))

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise DeclarationError(
                f"{self.route}: method must be one of {', '.join(sorted(METHODS))}"
            )
        if problem := self._problem():
            raise DeclarationError(f"{self.route}: {problem}")

    def _problem(self) -> str | None:
        segments = self.path.split("/")
        if segments[0] or not all(_SEGMENT.fullmatch(part) for part in segments[1:]):
            return (
                "path must be /segments of letters, digits, '.', '_', ':', '-' "
                "or a {parameter}, without a trailing slash"
            )
        if len(set(self.path_parameters)) < len(self.path_parameters):
            return "a path parameter is named twice"
        if not self.answers or not all(200 <= status < 400 for status in self.answers):
            return "answers must map at least one status from 200 to 399 to a schema"
        for name in (parameter.name for parameter in self.headers):
            if not _HEADER.fullmatch(name):
                return f"{name!r} is not a header name"
        actions = [action for access in self.access for action in access.actions]
        wrong = [action for action in actions if not _ACTION.fullmatch(action)]
        return f"{wrong[0]!r} is not an IAM action such as dynamodb:PutItem" if wrong else None
