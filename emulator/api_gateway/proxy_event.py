"""Builds the event of a proxy integration with the caller's address and API key as AWS does.

API Gateway believes the peer of the connection and appends it to X-Forwarded-For. MiniStack
believes the header, and leaves out the id of the API key.
"""

from collections.abc import Callable
from typing import Any

from ministack.services import apigateway_v1 as gateway

from emulator.patching import wrap

_PEER = "127.0.0.1"  # the emulator listens on loopback only


def _build_event(
    original: Callable[..., dict[str, Any]], *args: Any, **options: Any
) -> dict[str, Any]:
    event = original(*args, **options)
    _, _, _, resource, _, verb, *_ = args
    method = resource["resourceMethods"].get(verb) or resource["resourceMethods"]["ANY"]
    headers, all_values = event["headers"], event["multiValueHeaders"]
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
        # pylint: disable-next=protected-access
        key = gateway._resolve_api_key(headers.get("x-api-key"))
    identity["apiKeyId"] = key["id"] if key else None
    return event


PATCHES = (wrap(gateway, "_build_lambda_event_v1", _build_event),)
