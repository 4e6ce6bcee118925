"""Endpoint, and the types that its handler receives and returns."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Generic, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    B = TypeVar("B", default=None)  # before Python 3.13, only type checkers know defaults
else:
    from typing import TypeVar

    B = TypeVar("B")

from function.declare.auth import SCOPED_KINDS, ApiKey, Auth, Identity
from function.declare.checks import (
    Text,
    between,
    declaration_errors,
    matches,
    not_empty,
    response_header_errors,
    runs_when_called,
)
from function.declare.limits import API_TIMEOUT_S, MAX_BODY_BYTES
from function.declare.permission import Permission, calls_end_within
from function.declare.schema import EMPTY_MAPPING, Body, Form, Raw
from function.declare.setting import Settings

T = TypeVar("T")

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})

# API Gateway's rule. It serves its own health checks at /ping and /sping.
_PATH = r"(?!/s?ping$)(/((?!\.+(/|$))[A-Za-z0-9._:-]+|\{[A-Za-z0-9._-]+\}))+"

# An origin as a browser sends it (RFC 6454, section 7), of a page or of an app's own scheme:
# without the default port.
_ORIGIN = (
    r"(?!https://.*:443$|http://.*:80$)[a-z][a-z0-9+.-]*://([a-z0-9_-][a-z0-9._-]*|\[[0-9a-f:]+\])"
    r"(:[1-9]\d*)?"
)

# OpenAPI ignores parameters of these names.
_UNDECLARED_HEADERS = frozenset({"accept", "authorization", "content-type"})


def origins(field: str, value: Sequence[str]) -> Iterator[str]:
    """Yield the errors in the origins whose pages may call."""
    for origin in value if tuple(value) != ("*",) else ():
        if not re.fullmatch(_ORIGIN, origin):
            yield (
                f"{field}: {origin!r} must be an origin like https://example.com, without a path, "
                "or '*' alone; browsers leave out the default port"
            )


Origins: TypeAlias = Annotated[tuple[str, ...], origins]


class Request(NamedTuple, Generic[B]):
    """A request, as an endpoint's handler receives it.

    `body` is a value of the declared type (`Request[Note]`), or bytes for Raw. `raw_body` holds the
    bytes as sent, for a signature over them. If the endpoint declares no body, they are None and
    empty, even if the client sent one.

    `headers` have lower-case names; a comma joins the values of a repeated header; the API key is
    left out. `path_parameters` holds the decoded values of the path's `{name}` segments.

    `query` holds the last value of each query parameter; `query_all(name)` returns all of them.
    `parsed(type)` returns the query, headers or path as the type that the endpoint declares.

    `ip` is the client's address by API Gateway and the declared proxies alone; it is empty if
    there is none. `api_key_id` is the id, never the value, of the key that API Gateway checked, and
    `api_key_name` its name in the stack's config, up to `--`, which survives a rotation. Both are
    empty for another kind of authentication, even if the client sent a key. `identity` is the
    caller that the endpoint's `auth` verified. `settings[NAME]` is the value of a setting of
    `function.settings` in the stack's config. `context` is Lambda's, with the remaining time.
    """

    ip: str
    api_key_id: str
    request_id: str
    settings: Settings
    headers: Mapping[str, str] = EMPTY_MAPPING
    path_parameters: Mapping[str, str] = EMPTY_MAPPING
    query: Mapping[str, str] = EMPTY_MAPPING
    body: B = None  # type: ignore[assignment]
    query_values: Mapping[str, tuple[str, ...]] = EMPTY_MAPPING
    api_key_name: str = ""
    identity: Identity = Identity()
    raw_body: bytes = b""
    parsed_values: Mapping[type, Any] = EMPTY_MAPPING
    context: Any = None

    def query_all(self, name: str) -> tuple[str, ...]:
        """Return all values of a query parameter, in the order of the URL."""
        return self.query_values.get(name, ())

    def parsed(self, declared: type[T]) -> T:
        """Return the parameters of a type that the endpoint declares; raise KeyError for others."""
        value: T = self.parsed_values[declared]
        return value


class Response(NamedTuple):
    """A response: an HTTP status, a body (None: no body) and further headers.

    The body is a mapping or a value of the declared type, which the client receives as JSON; for
    Raw it is str or bytes.

    `log_fields` go to the request's log line, and to the trace as annotations. Their names consist
    of letters, digits and `_`. They never reach the client, and must hold no personal data.
    """

    status: int
    body: Any
    headers: Mapping[str, str] = EMPTY_MAPPING
    log_fields: Mapping[str, str | bool] = EMPTY_MAPPING


class Parameter(NamedTuple):
    """A header, query parameter or path parameter.

    API Gateway answers 400 if a `required` one is missing; the endpoint checks the value.
    `pattern` (a regular expression of ECMA-262) and `example` describe the value to clients. A
    `repeated` one of the query may come several times: `?tag=a&tag=b`.
    """

    name: Annotated[str, matches(r"[A-Za-z0-9._$-]+", "letters, digits, '.', '_', '$' and '-'")]
    description: Text
    required: bool = False
    pattern: str = ""
    example: str = ""
    repeated: bool = False


# Parameters one by one, or a type with a field for each, such as a msgspec.Struct. The function
# reads the texts as the types of its fields, and answers 400 for others.
Parameters: TypeAlias = tuple[Parameter, ...] | type


def one_by_one(declared: Parameters) -> tuple[Parameter, ...]:
    """Return parameters one by one; those of a type have no descriptions."""
    if not isinstance(declared, type):
        return declared
    from msgspec import inspect

    fields = inspect.type_info(declared).fields  # type: ignore[attr-defined]
    return tuple(
        Parameter(field.encode_name, "", field.required, repeated=_is_list(field.type))
        for field in fields
    )


def _is_list(info: Any) -> bool:
    parts = getattr(info, "types", ()) or (getattr(info, "type", None),)
    return hasattr(info, "item_type") or any(map(_is_list, filter(None, parts)))


class SampleRequest(NamedTuple):
    """A request to send after each deployment; `make smoke` checks its response.

    `make demo` sends the first endpoint's. The request is real, so its effects must do no harm.
    """

    body: Any = None
    headers: Mapping[str, str] = EMPTY_MAPPING
    query: Mapping[str, str | Sequence[str]] = EMPTY_MAPPING
    path_parameters: Mapping[str, str] = EMPTY_MAPPING


class Endpoint(NamedTuple, Generic[B]):
    """A method on a path; routing, permissions and documentation follow from it.

    `body` is the type of the JSON that a client must send (one that msgspec can read), or else a
    Form or Raw. The client receives 415 for another media type, 400 for a body of another type, and
    413 for more than `max_body_bytes`. Without `body`, the function never reads a body.

    `responses` maps each status of success to the type of its body (None: no body; Raw: no JSON);
    `response_headers` describes headers that these responses may have. `problems` maps each status
    of a Problem, but those that every endpoint has, to the type of its further members (None: no
    such members). With `compress_from_bytes`, API Gateway compresses the responses of the whole API
    from this size on, for clients that accept it.

    `request_headers`, `query` and `path_parameters` are Parameters, or one type with a field for
    each: `request.parsed(type)` returns its value. `path_parameters` describes each `{name}` of the
    path.

    `auth` is the required authentication, of function.declare.auth. The caller needs all `scopes`,
    or receives 403. `cors` lists the origins
    (`https://example.com`, or `*` alone) whose pages may call it from a browser; all endpoints of a
    path have the same list. `sample` is a request for the demo and the smoke test.
    """

    method: Annotated[str, matches("|".join(METHODS), f"one of {', '.join(sorted(METHODS))}")]
    path: Annotated[
        str,
        matches(
            _PATH,
            "/segments of letters, digits, '.', '_', ':', '-' or a {parameter}, without a trailing "
            "slash, nor one of API Gateway's own paths",
        ),
    ]
    summary: Text
    handle: Annotated[Callable[[Request[B]], Response], runs_when_called]
    responses: Annotated[Mapping[int, Body | Raw | None], not_empty]
    body: type[B] | Form | Raw | None = None
    problems: Mapping[int, Body | None] = EMPTY_MAPPING
    response_headers: tuple[Parameter, ...] = ()
    request_headers: Parameters = ()
    query: Parameters = ()
    path_parameters: Parameters = ()
    permissions: Annotated[tuple[Permission, ...], calls_end_within(API_TIMEOUT_S)] = ()
    auth: Auth = ApiKey()
    scopes: tuple[str, ...] = ()
    cors: Origins = ()
    sample: SampleRequest | None = None
    max_body_bytes: Annotated[int, between(1, MAX_BODY_BYTES)] = MAX_BODY_BYTES
    compress_from_bytes: Annotated[int | None, between(0, 10 * 1024 * 1024)] = None

    @property
    def parameters(self) -> Mapping[str, Parameters]:
        """The parameters of a request, by their place in OpenAPI's terms."""
        return {"path": self.path_parameters, "query": self.query, "header": self.request_headers}

    @property
    def needs_parser(self) -> bool:
        """True if the endpoint declares a body, or a type of parameters."""
        return self.body is not None or any(
            isinstance(group, type) for group in self.parameters.values()
        )

    @property
    def route(self) -> str:
        """The name of the route in logs, metrics and traces, for example `POST /epoch`."""
        return f"{self.method} {self.path}"

    @property
    def operation_id(self) -> str:
        """The name in the API document: `GetEpochByKey` for `GET /epoch/{key}`."""
        words = re.findall(r"[A-Za-z0-9]+", self.route.replace("{", " by "))
        return "".join(word.capitalize() for word in words)

    def errors(self) -> Iterator[str]:
        """Yield the reasons for which API Gateway or the API document would refuse it."""
        if self.body is not None and self.method not in {"PATCH", "POST", "PUT"}:
            yield f"a {self.method} request has no body (RFC 9110, section 9.3)"
        if isinstance(self.body, Mapping):
            yield "body must be a type, such as a msgspec.Struct; only a response may be a schema"
        if self.cors and self.method == "OPTIONS":
            yield "with cors, API Gateway handles OPTIONS; remove cors or this endpoint"
        if self.scopes and not isinstance(self.auth, SCOPED_KINDS):
            yield f"scopes: {type(self.auth).__name__} knows no scopes; remove them"
        yield from self._response_errors()
        yield from self._parameter_errors()

    def _response_errors(self) -> Iterator[str]:
        for field, low, high in (("responses", 200, 399), ("problems", 400, 599)):
            known = {status.value for status in HTTPStatus if low <= status <= high}
            if not known.issuperset(getattr(self, field)):
                yield f"{field} must map HTTP statuses from {low} to {high} to types"
        for declared in self.responses.values():
            if isinstance(declared, Raw):
                yield from declaration_errors(declared)
        for header in self.response_headers:
            yield from response_header_errors(header.name)

    def _parameter_errors(self) -> Iterator[str]:
        for name in (header.name for header in one_by_one(self.request_headers)):
            if name.lower() in _UNDECLARED_HEADERS:
                yield f"request header {name}: OpenAPI ignores it; read it without a declaration"
        in_path = sorted(re.findall(r"\{([^}]+)\}", self.path))
        if in_path != sorted(parameter.name for parameter in one_by_one(self.path_parameters)):
            yield f"path_parameters must describe the parameters of the path: {', '.join(in_path)}"
        if self.sample and in_path != sorted(self.sample.path_parameters):
            yield f"sample: path_parameters must have a value for each of: {', '.join(in_path)}"
        if self.sample and (self.sample.body is None) != (self.body is None):
            yield "sample: it must have a body if the endpoint declares one, and only then"
