"""Lambda's entry point of the authorizers: API Gateway asks it for the caller of a request."""

import json
import os
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from function.declare.auth import Auth, CustomAuth, Identity, Jwt, in_stack
from function.declare.authorizer import AUTHORIZER_TIMEOUT_S, Authorizer, Credentials
from function.declare.loader import endpoints_by_module, load_module
from function.runtime import deadline, telemetry
from function.runtime.authorizer import oidc
from function.runtime.settings import SETTINGS

Event = Mapping[str, Any]

_ENDPOINTS = tuple(endpoints_by_module().values())
_BEARER = re.compile(r"Bearer +([A-Za-z0-9._~+/=-]+)", re.IGNORECASE)


class Unauthorized(Exception):
    """API Gateway answers 401 to an error with exactly this text."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


def _header(event: Event, name: str) -> str:
    """Return the value of a header that the client sent once, or ""."""
    found = [
        value
        for key, values in (event.get("multiValueHeaders") or {}).items()
        if key.lower() == name.lower()
        for value in values
    ]
    return found[0] if len(found) == 1 else ""


def _jwt(auth: Jwt, event: Event) -> Identity | None:
    sent = _BEARER.fullmatch(_header(event, "Authorization"))
    if not sent:
        return None
    issuer, audience = os.environ[auth.issuer_env_var], in_stack(auth, os.environ).audience
    claims = oidc.verify(issuer, sent[1], audience)
    if claims is None:
        return None
    return Identity(f"{claims['iss']}#{claims['sub']}", claims, oidc.scopes(claims))


def _custom(auth: CustomAuth, event: Event) -> Identity | None:
    authorizer = load_module("function.authorizers", auth.name, Authorizer)
    headers = {name.lower(): _header(event, name) for name in authorizer.headers}
    if not all(headers.values()):
        return None
    found: Any = authorizer.authenticate(Credentials(headers, SETTINGS))
    if found is None:
        return None
    if not isinstance(found, Identity) or not found.id:
        raise TypeError("authenticate must return an Identity with an id, or None")
    return found._replace(id=f"{auth.name}#{found.id}")


# One entry for each of function.declare.auth.FUNCTION_KINDS.
AUTHENTICATORS: Mapping[type, Callable[[Any, Event], Identity | None]] = {
    CustomAuth: _custom,
    Jwt: _jwt,
}


def _auth(event: Event) -> Auth:
    """Return the authentication of a route; for an undeclared method, that of the path's first."""
    of_path = (one for one in _ENDPOINTS if one.path == event["resource"])
    return min(of_path, key=lambda one: (one.method != event["httpMethod"], one.route)).auth


def _allow(event: Event, caller: Identity) -> dict[str, Any]:
    """Return the response that lets the caller through.

    API Gateway uses it for other routes with the same authorizer too, so it allows them all.
    """
    stage = "/".join(event["methodArn"].split("/")[:2])
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": f"{stage}/*"}
    return {
        "principalId": caller.id,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {
            "claims": json.dumps(dict(caller.claims)),
            "scopes": " ".join(sorted(caller.scopes)),
        },
    }


def handler(event: Event, context: Any) -> dict[str, Any]:
    """Return the caller of a request to API Gateway; raise Unauthorized for wrong credentials."""
    started = time.perf_counter()
    deadline.begin_invocation(context)
    auth, response = _auth(event), None
    with telemetry.trace("authorizer") as span:
        try:
            caller = deadline.call_with_deadline(
                AUTHORIZER_TIMEOUT_S, lambda: AUTHENTICATORS[type(auth)](auth, event), 0.2
            )
            if caller:
                response = _allow(event, caller)
            span.set_result(200 if response else 401, {})
        except BaseException as error:  # noqa: BLE001
            telemetry.log_exception(error)
            span.set_result(500, {})
    telemetry.log_request(
        span,
        {
            "authorizer": auth.name,
            "lambdaRequestId": getattr(context, "aws_request_id", ""),
            "latencyMs": round((time.perf_counter() - started) * 1000, 3),
        },
    )
    if response is None:
        raise Unauthorized() if span.status == 401 else RuntimeError("the authorizer failed")
    return response
