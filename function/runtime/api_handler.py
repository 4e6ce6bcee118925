"""Lambda's entry point of the API: turns an event of API Gateway into a Request and a response."""

import gc
import ipaddress
import json
import os
import re
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from function.declare.auth import Identity
from function.declare.checks import response_header_errors
from function.declare.endpoint import Endpoint, Request, Response
from function.declare.loader import endpoints_by_module
from function.declare.problem import Problem, problem_document
from function.declare.schema import Raw, is_array, media_type
from function.responses import customize_response
from function.runtime import aws_client, deadline, identity, telemetry
from function.runtime.settings import SETTINGS

Event = Mapping[str, Any]

_ROUTES = {endpoint.route: endpoint for endpoint in endpoints_by_module().values()}
# By path: the origins whose pages may call its endpoints.
_CORS_ORIGINS = {one.path: one.cors for one in _ROUTES.values() if one.cors}

# Only functions with a declared body or type of parameters pay for the parser.
if any(endpoint.needs_parser for endpoint in _ROUTES.values()):
    from function.runtime import body

# RFC 9110, section 5: a token, and a value in visible ASCII with spaces.
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")

if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    # These objects live as long as the process; garbage collection would take 5 % of a cold start.
    gc.disable()
    aws_client.warm_up()
    telemetry.warm_up()
    gc.freeze()
    gc.enable()


def _all_values(many: Any, last: Any) -> Mapping[str, Sequence[str]]:
    """Return all values of each name; API Gateway's test calls send only the last ones."""
    return many or {name: [value] for name, value in (last or {}).items()}


def _headers(event: Event) -> dict[str, str]:
    """Return the headers of a Request, repeated ones as one list (RFC 9110, section 5.3)."""
    headers: dict[str, str] = {}
    all_values = _all_values(event.get("multiValueHeaders"), event.get("headers"))
    for name, values in all_values.items():
        name = name.lower()
        headers[name] = ", ".join([headers[name], *values] if name in headers else values)
    return headers


def _canonical_ip(text: str) -> str:
    """Return an address in canonical form, without port, brackets and zone; "" for other text."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ipaddress.ip_address(bare.partition("%")[0])
        # Python versions differ in their form of an IPv4-mapped IPv6 address.
        return str(getattr(address, "ipv4_mapped", None) or address)
    except ValueError:
        return ""


def _client_address(source: str, forwarded: str) -> str:
    """Return the client's address.

    Without proxies, that is the address that API Gateway saw. Behind N declared proxies
    (TRUSTED_PROXY_COUNT; any other text than a number means 0), API Gateway saw the last proxy and
    appended its address to X-Forwarded-For; the client's is the Nth from the right before it. A
    list that is too short, or has no address there, did not pass the proxies: it is ignored.
    """
    seen = _canonical_ip(source)
    count = os.environ.get("TRUSTED_PROXY_COUNT", "")
    proxies = int(count) if count.isdecimal() else 0
    if not proxies:
        return seen
    hops = [_canonical_ip(hop) for hop in forwarded.split(",")]
    if hops[-1] == seen:
        hops.pop()
    return hops[-proxies] if len(hops) >= proxies and hops[-proxies] else seen


def _parse_request(event: Event, endpoint: Endpoint[Any] | None, context: Any) -> Request[Any]:
    gateway = event.get("requestContext") or {}
    connection = gateway.get("identity") or {}
    headers = _headers(event)
    headers.pop("x-api-key", None)
    query = _all_values(
        event.get("multiValueQueryStringParameters"), event.get("queryStringParameters")
    )
    key_id = connection.get("apiKeyId") or ""
    callers = ",".join((event.get("stageVariables") or {}).values())
    path = event.get("pathParameters") or {}
    return Request(
        ip=_client_address(connection.get("sourceIp") or "", headers.get("x-forwarded-for", "")),
        api_key_id=key_id,
        api_key_name=f",{callers}".partition(f",{key_id}=")[2].partition(",")[0],
        request_id=gateway.get("requestId", ""),
        settings=SETTINGS,
        headers=headers,
        # API Gateway decodes the query, but not the path.
        path_parameters={name: unquote(value) for name, value in path.items()},
        query={name: values[-1] for name, values in query.items()},
        query_values={name: tuple(values) for name, values in query.items()},
        identity=identity.read(endpoint.auth, gateway) if endpoint else Identity(),
        context=context,
    )


def _handle(event: Event, endpoint: Endpoint[Any], request: Request[Any]) -> Response:
    identity.check(endpoint, request.identity)
    if endpoint.needs_parser:
        request = body.read(endpoint, request, event)
    response: Any = endpoint.handle(request)
    if not isinstance(response, Response):
        raise TypeError(f"handle returned {type(response).__name__}; return a Response")
    return response


def _unknown_route(path: str) -> Problem:
    """Return the 404, or the 405 on a path that has other methods."""
    allowed = ", ".join(sorted(one.method for one in _ROUTES.values() if one.path == path))
    if not allowed:
        return Problem(404, "Unknown route.")
    detail = f"Method not allowed. Allowed methods: {allowed}."
    return Problem(405, detail, headers={"Allow": allowed})


def _problem_response(problem: Problem, request: Request[Any]) -> Response:
    document = problem_document(problem.status, problem.detail, request.request_id)
    return Response(
        status=problem.status,
        body={**document, **problem.members},
        headers={**problem.headers, "Content-Type": "application/problem+json"},
        log_fields=problem.log_fields,
    )


def _json_text(value: Any, kind: type) -> str:
    """Return a body as the text of a JSON object or array; raise TypeError for another type.

    The standard library writes plain values, which most bodies are, and msgspec all others.
    """
    if isinstance(value, Mapping):
        value = dict(value)
    if isinstance(value, kind):
        with suppress(TypeError):
            return json.dumps(value, allow_nan=False)
    import msgspec

    plain = msgspec.to_builtins(value, str_keys=True)
    if not isinstance(plain, kind):
        expected = "an array" if kind is list else "an object"
        raise TypeError(f"the body of a response must be {expected}, not {type(value).__name__}")
    return json.dumps(plain, allow_nan=False)


def _raw_text(value: Any, declared: Raw) -> tuple[str, bool]:
    """Return a body that is not JSON as text, and True if the text is in base64."""
    if not isinstance(value, (str, bytes)):
        raise TypeError(
            f"a {declared.media_type} response must be str or bytes, not {type(value).__name__}"
        )
    data = value.encode() if isinstance(value, str) else value
    return (data.decode(), False) if declared.is_text else (b64encode(data).decode(), True)


def _serialize(response: Response, declared: Any = None) -> dict[str, Any]:
    """Return a response in API Gateway's form; raise ValueError or TypeError for an invalid one."""
    headers, text, encoded = dict(response.headers), "", False
    if response.body is not None:
        if isinstance(declared, Raw):
            text, encoded = _raw_text(response.body, declared)
        else:
            text = _json_text(response.body, list if is_array(declared) else dict)
        if "content-type" not in map(str.lower, headers):
            kind = media_type(declared)
            charset = "; charset=utf-8" if kind.startswith("text/") else ""
            headers = {"Content-Type": f"{kind}{charset}", **headers}
            if "*" in kind:
                raise ValueError(f"the response's headers must name a Content-Type of {kind}")
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise ValueError(
                f"response header {name!r} must have a valid name and a value in visible ASCII"
            )
        for error in response_header_errors(name):
            raise ValueError(error)
    status = HTTPStatus(response.status).value
    serialized = {"statusCode": status, "headers": headers, "body": text}
    return serialized | ({"isBase64Encoded": True} if encoded else {})


def _respond(
    event: Event, endpoint: Endpoint[Any] | None, request: Request[Any]
) -> tuple[Response, dict[str, Any]]:
    """Return the endpoint's response or a problem, as a Response and in API Gateway's form."""
    try:
        try:
            if not endpoint:
                raise _unknown_route(event["resource"])
            response = _handle(event, endpoint, request)
        except Problem as problem:
            response = _problem_response(problem, request)
        response = customize_response(response, request)
        return response, _serialize(response, endpoint and endpoint.responses.get(response.status))
    except BaseException as error:  # noqa: BLE001
        telemetry.log_exception(error)
        response = _problem_response(Problem(500, "The request could not be handled."), request)
        return response, _serialize(response)


def _cors_headers(path: str, origin: str) -> dict[str, str]:
    """Return the CORS headers of a response (Fetch standard). API Gateway answers preflights."""
    if not (allowed := _CORS_ORIGINS.get(path)):
        return {}
    headers = {"Vary": "Origin", "Access-Control-Expose-Headers": "*"}
    if allowed == ("*",) or origin in allowed:
        headers["Access-Control-Allow-Origin"] = "*" if allowed == ("*",) else origin
    return headers


def handler(event: Event, context: Any) -> dict[str, Any]:
    """Return the response to one API Gateway proxy event."""
    started = time.perf_counter()
    deadline.begin_invocation(context)
    endpoint = _ROUTES.get(f"{event['httpMethod']} {event['resource']}")
    request = _parse_request(event, endpoint, context)
    # Logs, metrics and traces hold declared routes only, never a client's text.
    with telemetry.trace(endpoint.route if endpoint else "unknown") as span:
        response, serialized = _respond(event, endpoint, request)
        origin = request.headers.get("origin", "")
        serialized["headers"] |= _cors_headers(event["resource"], origin)
        span.set_result(response.status, response.log_fields)
    telemetry.log_request(
        span,
        {
            "lambdaRequestId": getattr(context, "aws_request_id", ""),
            "apiRequestId": request.request_id,
            "apiKeyId": request.api_key_id,
            "latencyMs": round((time.perf_counter() - started) * 1000, 3),
        },
    )
    return serialized
