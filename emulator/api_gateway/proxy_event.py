"""Builds the event of a proxy integration as AWS does.

- API Gateway believes the peer of the connection and appends it to X-Forwarded-For. MiniStack
  believes the header.
- The identity has the id of the API key, which MiniStack leaves out.
- A repeated query parameter or header has its last value, and all values in the fields for multiple
  values. MiniStack has the first value of a parameter, and joins those of a header.
"""

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

from ministack import app
from ministack.core import sigv4
from ministack.services import apigateway_v1 as gateway

from emulator.patching import Original, wrap

_PEER = "127.0.0.1"  # the emulator listens on loopback only

_sent_headers: ContextVar[Iterable[tuple[bytes, bytes]]] = ContextVar("_sent_headers", default=())


async def _app(original: Original, scope: Any, *channels: Any) -> None:
    _sent_headers.set(scope.get("headers") or ())
    await original(scope, *channels)


def _repeated_headers() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in _sent_headers.get():
        values = found.setdefault(name.decode("latin-1").lower(), [])
        values.append(sigv4.decode_header_value(value))
    return {name: values for name, values in found.items() if len(values) > 1}


def _build_event(
    original: Callable[..., dict[str, Any]], *args: Any, **options: Any
) -> dict[str, Any]:
    event = original(*args, **options)
    _, _, _, resource, _, verb, *_ = args
    method = resource["resourceMethods"].get(verb) or resource["resourceMethods"]["ANY"]
    if query := event["multiValueQueryStringParameters"]:
        event["queryStringParameters"] = {name: values[-1] for name, values in query.items()}
    headers, all_values = event["headers"], event["multiValueHeaders"]
    all_values |= (repeated := _repeated_headers())
    headers |= {name: values[-1] for name, values in repeated.items()}
    names = [name for name in all_values if name.lower() == "x-forwarded-for"]
    hops = [value for name in names for value in all_values.pop(name)]
    for name in names:
        del headers[name]
    headers["X-Forwarded-For"] = ", ".join([*hops, _PEER])
    all_values["X-Forwarded-For"] = [headers["X-Forwarded-For"]]
    identity = event["requestContext"]["identity"]
    identity["sourceIp"] = _PEER
    key = None
    if method["apiKeyRequired"]:
        key = gateway._resolve_api_key(headers.get("x-api-key"))
    identity["apiKeyId"] = key["id"] if key else None
    return event


PATCHES = (
    wrap(app, "app", _app),
    wrap(gateway, "_build_lambda_event_v1", _build_event),
)
