"""The types that an endpoint is declared with and written against.

Nothing here imports the AWS SDK or knows Lambda, so the Pulumi program, the tests and a cold start
all read the declarations. They are named tuples: dataclasses would cost as much again to import,
for the sake of `inspect`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from function.messages import Send
    from function.services import Service

from function.setting import SETTINGS, Settings

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})

# DynamoDB's actions on the items of a table; a wildcard is none of them.
ACTIONS = frozenset(
    f"dynamodb:{name}"
    for name in (
        *("BatchGetItem", "BatchWriteItem", "ConditionCheckItem", "DeleteItem", "GetItem"),
        *("PartiQLDelete", "PartiQLInsert", "PartiQLSelect", "PartiQLUpdate"),
        *("PutItem", "Query", "Scan", "UpdateItem"),
    )
)

INDEX_ACTIONS = frozenset({"dynamodb:PartiQLSelect", "dynamodb:Query", "dynamodb:Scan"})

# API Gateway's rules: the part of a path, and the name of a parameter.
_SEGMENT = re.compile(r"(?!\.+$)[A-Za-z0-9._:-]+|\{[A-Za-z0-9._-]+\}")
_PARAMETER = re.compile(r"[A-Za-z0-9._$-]+")
# API Gateway answers its own health checks there.
_RESERVED = frozenset({"/ping", "/sping"})

Schema = Mapping[str, Any]

_NONE: Mapping[str, Any] = MappingProxyType({})

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

    `status` is an HTTP status from 400 to 599, else ValueError. `detail` reaches the client: it
    must name nothing of what lies behind the API.
    """

    def __init__(
        self, status: int, detail: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        if HTTPStatus(status) < 400:
            raise ValueError(f"{status} is no status of a problem")
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}


class Request(NamedTuple):
    """One call, as an endpoint sees it.

    `headers` have lower-case names, several of a name joined by a comma, and leave out the API
    key; `path_parameters` are the values of `{name}` path segments. `ip` is the caller's address,
    believed only from API Gateway and declared proxies, and empty where there is none;
    `api_key_id` is the key's id, never its value. `settings[NAME]` is what the stack's config says
    of a setting in `function.settings`.
    """

    ip: str
    api_key_id: str
    request_id: str
    headers: Mapping[str, str] = _NONE
    path_parameters: Mapping[str, str] = _NONE
    query: Mapping[str, str] = _NONE
    settings: Settings = SETTINGS


class Answer(NamedTuple):
    """What an endpoint returns: an HTTP status, a JSON body (None: no body) and extra headers.

    `notes` go to the request's log line and to the trace as annotations, under names of letters,
    digits and `_`; they never reach the client, and must not be personal data.
    """

    status: int
    body: Mapping[str, Any] | None
    headers: Mapping[str, str] = _NONE
    notes: Mapping[str, str | bool] = _NONE


class Access(NamedTuple):
    """IAM actions, of ACTIONS, that an endpoint needs on one of the stack's tables.

    With `index_name` they are allowed on that index of the table, and not on the table itself.
    """

    table: str
    actions: tuple[str, ...]
    index_name: str = ""

    def problems(self) -> Iterator[str]:
        """Return why IAM could not take it."""
        for action in self.actions:
            if action not in ACTIONS:
                yield f"{action!r} is not one of DynamoDB's actions: {', '.join(sorted(ACTIONS))}"


# What an endpoint or a job may declare as its `access`.
Permission: TypeAlias = "Access | Send | Service"


class Parameter(NamedTuple):
    """A header, query parameter or path parameter.

    API Gateway refuses a call without a required one with 400; what is in it, the endpoint
    checks.
    """

    name: str
    description: str
    required: bool = False


class Endpoint(NamedTuple):
    """A method on a path, declared once; routing, permissions and documentation follow from it.

    `answers` maps each status of success to the JSON schema of its body, an object (None: no
    body), and `answer_headers` are what they may carry. Problems need no mention: every endpoint
    has them. `path_parameters` describes each `{name}` of the path.
    """

    method: str
    path: str
    summary: str
    handle: Callable[[Request], Answer]
    answers: Mapping[int, Schema | None]
    answer_headers: tuple[Parameter, ...] = ()
    headers: tuple[Parameter, ...] = ()
    query: tuple[Parameter, ...] = ()
    path_parameters: tuple[Parameter, ...] = ()
    access: "tuple[Permission, ...]" = ()

    @property
    def route(self) -> str:
        """The name of the route in logs, metrics and traces, for example `POST /epoch`."""
        return f"{self.method} {self.path}"

    @property
    def operation(self) -> str:
        """The name in the documentation: `GetEpochByKey` for `GET /epoch/{key}`."""
        words = re.findall(r"[A-Za-z0-9]+", self.route.replace("{", " by "))
        return "".join(word.capitalize() for word in words)

    def problems(self) -> Iterator[str]:
        """Return why API Gateway, IAM or the documentation could not take it."""
        if self.method not in METHODS:
            yield f"method must be one of {', '.join(sorted(METHODS))}"
        segments = self.path.split("/")
        if segments[0] or not all(_SEGMENT.fullmatch(part) for part in segments[1:]):
            yield (
                "path must be /segments of letters, digits, '.', '_', ':', '-' "
                "or a {parameter}, without a trailing slash"
            )
        if self.path in _RESERVED:
            yield "API Gateway keeps this path for itself"
        if not self.summary.strip():
            yield "summary is missing"
        yield from self._wrong_answers()
        yield from self._wrong_parameters()
        for access in self.access:
            yield from access.problems()

    def _wrong_answers(self) -> Iterator[str]:
        known = {status.value for status in HTTPStatus if 200 <= status < 400}
        if not self.answers or not known.issuperset(self.answers):
            yield "answers must map at least one HTTP status from 200 to 399 to a schema"
        for status, schema in self.answers.items():
            if schema is not None and schema.get("type") != "object":
                yield f"the schema of {status} must have 'type': 'object'"

    def _wrong_parameters(self) -> Iterator[str]:
        groups = (self.headers, self.query, self.path_parameters, self.answer_headers)
        for group in groups:
            names = [parameter.name.lower() for parameter in group]
            for parameter in group:
                if not _PARAMETER.fullmatch(parameter.name):
                    yield f"{parameter.name!r} is not a name of letters, digits, '.', '_', '$', '-'"
                if not parameter.description.strip():
                    yield f"the description of {parameter.name} is missing"
                if names.count(parameter.name.lower()) > 1:
                    yield f"{parameter.name} is named twice"
        in_path = re.findall(r"\{([^}]+)\}", self.path)
        if sorted(in_path) != sorted(parameter.name for parameter in self.path_parameters):
            yield f"path_parameters must describe what the path names: {', '.join(in_path)}"
