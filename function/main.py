"""Lambda's entry point: turns an API Gateway event to a Request, an Answer to a response."""

import hashlib
import http
import ipaddress
import json
import os
import time
from collections.abc import Mapping
from typing import Any

from function import storage, telemetry
from function.contract import Answer, Problem, Request
from function.endpoints import declared

_ROUTES = {endpoint.route: endpoint for endpoint in declared()}

if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    storage.warm()


def _texts(value: Any) -> dict[str, str]:
    """Return the entries of an event's mapping that are text."""
    if not isinstance(value, Mapping):
        return {}
    return {k: v for k, v in value.items() if isinstance(k, str) and isinstance(v, str)}


def _address(source: str, forwarded: str) -> str:
    """Return the caller's address.

    It is the one that API Gateway saw. Behind N declared proxies it is the Nth from the right of
    X-Forwarded-For, once the address that API Gateway itself appends is taken off; a list that
    is too short or holds no address there has not come through them and is not believed.
    """
    proxies = int(os.environ.get("TRUSTED_PROXIES", "0"))
    if not proxies:
        return source
    hops = [hop.strip() for hop in forwarded.split(",")]
    if hops[-1] == source:
        hops.pop()
    try:
        return str(ipaddress.ip_address(hops[-proxies]))
    except (IndexError, ValueError):
        return source


def _request(event: Mapping[str, Any]) -> Request:
    context = event.get("requestContext")
    context = context if isinstance(context, Mapping) else {}
    identity = _texts(context.get("identity"))
    headers = {name.lower(): value for name, value in _texts(event.get("headers")).items()}
    api_key_id = identity.get("apiKeyId", "")
    if not api_key_id and (api_key := headers.get("x-api-key")):
        # An emulator that checks the key but does not tell its id: a digest stands for it.
        api_key_id = hashlib.sha256(api_key.encode("utf-8", "replace")).hexdigest()[:16]
    return Request(
        ip=_address(identity.get("sourceIp", ""), headers.get("x-forwarded-for", "")),
        api_key_id=api_key_id,
        request_id=_texts(context).get("requestId", ""),
        headers=headers,
        path_parameters=_texts(event.get("pathParameters")),
        query=_texts(event.get("queryStringParameters")),
    )


def _answer(route: str, request: Request) -> Answer:
    """Return the endpoint's answer, or the problem document that takes its place."""
    try:
        endpoint = _ROUTES.get(route)
        if not endpoint:
            raise Problem(404, "There is no such route.")
        return endpoint.handle(request)
    except Problem as problem:
        found = problem
    except Exception as error:  # pylint: disable=broad-exception-caught
        telemetry.log_failure(error)
        found = Problem(500, "The request could not be handled.")
    return Answer(
        status=found.status,
        body={
            "type": "about:blank",
            "title": http.HTTPStatus(found.status).phrase,
            "status": found.status,
            "detail": found.detail,
            "requestId": request.request_id,
        },
        headers={"Content-Type": "application/problem+json", **found.headers},
    )


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Answer one API Gateway proxy event."""
    started = time.perf_counter()
    event = event if isinstance(event, Mapping) else {}
    route = f"{event.get('httpMethod')} {event.get('resource')}"
    # Only a declared route names logs, metrics and traces: what a client sends never does.
    name = route if route in _ROUTES else "unknown"
    request = _request(event)
    with telemetry.trace(name) as span:
        answer = _answer(route, request)
        span.close(answer.status, answer.notes)
    telemetry.log_request(
        span,
        {
            "requestId": getattr(context, "aws_request_id", ""),
            "apiRequestId": request.request_id,
            "apiKeyId": request.api_key_id,
            "latencyMs": round((time.perf_counter() - started) * 1000, 3),
        },
    )
    return {
        "statusCode": answer.status,
        "headers": {"Content-Type": "application/json", **answer.headers},
        "body": json.dumps(answer.body),
    }
