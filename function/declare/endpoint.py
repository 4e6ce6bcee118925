"""The types that an endpoint is declared with and written against."""

import re
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from types import NoneType
from typing import TYPE_CHECKING, Any, Generic, NamedTuple

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    B = TypeVar("B", default=None)  # only type checkers know of a default before Python 3.13
else:
    from typing import TypeVar

    B = TypeVar("B")

from function.declare.checks import type_errors
from function.declare.permission import Permission, permission_errors
from function.declare.schema import EMPTY, Body, Schema
from function.declare.setting import Settings

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})

# API Gateway's rules: the part of a path, and the name of a parameter.
_SEGMENT = re.compile(r"(?!\.+$)[A-Za-z0-9._:-]+|\{[A-Za-z0-9._-]+\}")
_PARAMETER = re.compile(r"[A-Za-z0-9._$-]+")
# API Gateway answers its own health checks there.
_RESERVED = frozenset({"/ping", "/sping"})

# An origin as a browser sends it (RFC 6454, section 7): no path, no default port.
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?|\*")

# API Gateway sends these under another name, writes over them or drops them.
RESERVED_RESPONSE_HEADERS = frozenset(
    {
        *("authorization", "connection", "content-md5", "date", "expect", "host", "server", "te"),
        *("trailer", "transfer-encoding", "upgrade", "user-agent", "www-authenticate"),
    }
)


class Request(NamedTuple, Generic[B]):
    """One call, as an endpoint sees it.

    `body` is what the endpoint declares: a value of its type (`Request[Note]`), or what JSON holds
    where that is a schema; None where it declares none, whatever was sent.

    `headers` have lower-case names, several of a name joined by a comma, and leave out the API
    key; `path_parameters` are the values of `{name}` path segments, decoded. `ip` is the caller's
    address, believed only from API Gateway and declared proxies, and empty where there is none;
    `api_key_id` is the id, never the value, of the key that API Gateway has checked, and empty
    where it checks none, whatever was sent: for a `public` endpoint. `settings[NAME]` is what the
    stack's config says of a setting in `function.settings`.
    """

    ip: str
    api_key_id: str
    request_id: str
    settings: Settings
    headers: Mapping[str, str] = EMPTY
    path_parameters: Mapping[str, str] = EMPTY
    query: Mapping[str, str] = EMPTY
    body: B = None  # type: ignore[assignment]


class Response(NamedTuple):
    """What an endpoint returns: an HTTP status, a body (None: none) and extra headers.

    The body is a mapping or a value of the declared type, and is sent as a JSON object.

    `log_fields` go to the request's log line and to the trace as annotations, under names of letters,
    digits and `_`; they never reach the client, and must not be personal data.
    """

    status: int
    body: Any
    headers: Mapping[str, str] = EMPTY
    log_fields: Mapping[str, str | bool] = EMPTY


class Parameter(NamedTuple):
    """A header, query parameter or path parameter.

    API Gateway refuses a call without a required one with 400; what is in it, the endpoint
    checks. `pattern` (a regular expression of ECMA-262) and `example` tell clients what that is.
    """

    name: str
    description: str
    required: bool = False
    pattern: str = ""
    example: str = ""


class SampleRequest(NamedTuple):
    """A call that whoever deploys may make each time: `make demo` shows the first one, and
    `make smoke` judges what each is answered by what its endpoint declares.

    It is made for real, so what it leaves behind must do no harm.
    """

    body: Any = None
    headers: Mapping[str, str] = EMPTY
    query: Mapping[str, str] = EMPTY
    path_parameters: Mapping[str, str] = EMPTY


class Endpoint(NamedTuple, Generic[B]):
    """A method on a path, declared once; routing, permissions and documentation follow from it.

    `body` is the type of the JSON object that a call must send: another media type is answered
    with 415, and what is not of the type with 400. Without it a body that is sent is never read.
    `responses` maps each status of success to the type of its body (None: no body), and
    `response_headers` are what they may carry. Problems need no mention: every endpoint has them.
    `path_parameters` describes each `{name}` of the path.

    A `public` endpoint needs no API key. `cors` are the origins (`https://example.com`, or `*`
    alone) whose pages may call it from a browser; all endpoints of a path have the same. `sample`
    is a call of it that the demo and the smoke test make.
    """

    method: str
    path: str
    summary: str
    handle: Callable[[Request[B]], Response]
    responses: Mapping[int, Body | None]
    body: type[B] | Schema | None = None
    response_headers: tuple[Parameter, ...] = ()
    headers: tuple[Parameter, ...] = ()
    query: tuple[Parameter, ...] = ()
    path_parameters: tuple[Parameter, ...] = ()
    permissions: tuple[Permission, ...] = ()
    public: bool = False
    cors: tuple[str, ...] = ()
    sample: SampleRequest | None = None

    @property
    def route(self) -> str:
        """The name of the route in logs, metrics and traces, for example `POST /epoch`."""
        return f"{self.method} {self.path}"

    @property
    def operation(self) -> str:
        """The name in the documentation: `GetEpochByKey` for `GET /epoch/{key}`."""
        words = re.findall(r"[A-Za-z0-9]+", self.route.replace("{", " by "))
        return "".join(word.capitalize() for word in words)

    def errors(self) -> Iterator[str]:
        """Return why API Gateway, IAM or the documentation could not take it."""
        several = ("headers", "query", "path_parameters", "response_headers")
        yield from type_errors(self, method=str, path=str, summary=str, handle=Callable)
        yield from type_errors(self, **dict.fromkeys(several, [Parameter]), permissions=[object])
        yield from type_errors(self, responses=Mapping, public=bool, cors=[str])
        yield from type_errors(self, sample=(SampleRequest, NoneType))
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
        if "*/" in self.summary:
            yield "'*/' in a text ends comments in generated clients"
        if self.body is not None and self.method not in {"PATCH", "POST", "PUT"}:
            yield f"a {self.method} has no body (RFC 9110, section 9.3)"
        for origin in self.cors:
            if not _ORIGIN.fullmatch(origin) or (origin == "*" and len(self.cors) > 1):
                yield f"cors: {origin!r} is no origin like https://example.com, nor '*' alone"
        if self.cors and self.method == "OPTIONS":
            yield "API Gateway answers OPTIONS itself where cors is given"
        yield from self._wrong_answers()
        yield from self._wrong_parameters()
        if self.sample is not None:
            yield from self._wrong_sample(self.sample)
        yield from permission_errors(self.permissions)

    def _wrong_answers(self) -> Iterator[str]:
        known = {status.value for status in HTTPStatus if 200 <= status < 400}
        if not self.responses or not known.issuperset(self.responses):
            yield "responses must map at least one HTTP status from 200 to 399 to a type"
        for header in self.response_headers:
            if header.name.lower() in RESERVED_RESPONSE_HEADERS:
                yield f"{header.name} never reaches a client: API Gateway keeps it for itself"

    def _wrong_parameters(self) -> Iterator[str]:
        groups = (self.headers, self.query, self.path_parameters, self.response_headers)
        for group in groups:
            for parameter in group:
                yield from type_errors(parameter, name=str, description=str, required=bool)
            names = [parameter.name.lower() for parameter in group]
            for parameter in group:
                if not _PARAMETER.fullmatch(parameter.name):
                    yield f"{parameter.name!r} is not a name of letters, digits, '.', '_', '$', '-'"
                if not parameter.description.strip():
                    yield f"the description of {parameter.name} is missing"
                if "*/" in parameter.description:
                    yield "'*/' in a text ends comments in generated clients"
                if names.count(parameter.name.lower()) > 1:
                    yield f"{parameter.name} is named twice"
        in_path = re.findall(r"\{([^}]+)\}", self.path)
        if sorted(in_path) != sorted(parameter.name for parameter in self.path_parameters):
            yield f"path_parameters must describe what the path names: {', '.join(in_path)}"

    def _wrong_sample(self, sample: SampleRequest) -> Iterator[str]:
        if (sample.body is None) != (self.body is None):
            yield "sample: it must have a body where body is declared, and only there"
        for what, given, declared in (
            ("headers", sample.headers, self.headers),
            ("query", sample.query, self.query),
            ("path_parameters", sample.path_parameters, self.path_parameters),
        ):
            known = {parameter.name for parameter in declared}
            needed = {p.name for p in declared if p.required or what == "path_parameters"}
            if not needed <= given.keys() <= known:
                yield f"sample: {what} must be among {sorted(known)}, with {sorted(needed)}"
