"""`python -m local.emulator`: MiniStack on a leash, behaving in some things more like AWS.

- API Gateway believes the peer of the connection, which here is always loopback, and appends it to
  X-Forwarded-For; MiniStack believes the header. It tells a function the id of the API key that it
  has checked, too.
- Who may call it: `local.admission`.
- IAM: `local.authorization`. API Gateway's import: `local.rest_import`; what it serves:
  `local.rest_serving`; its documentation: `local.documentation`.
- Refusals, and functions that fail: `local.gateway_errors`. What is kept: `local.bounds`.
- What only the AWS provider asks: `local.provider_gaps`.
- A function's workers: `local.workers`.
- Schedules and unattended invocations: `local.triggers`. Queues and streams: `local.mappings`.
"""

import os
import socket
import sys
from pathlib import Path
from typing import Any

from hypercorn.config import Config
from ministack import app
from ministack.services import apigateway_v1

from local import (
    admission,
    authorization,
    bounds,
    documentation,
    gateway_errors,
    leash,
    mappings,
    provider_gaps,
    rest_import,
    rest_serving,
    triggers,
    workers,
)

PEER = "127.0.0.1"

# pylint: disable=protected-access
_build = apigateway_v1._build_lambda_event_v1
_find_key = apigateway_v1._resolve_api_key


def _event(*args: Any, **options: Any) -> dict[str, Any]:
    event: dict[str, Any] = _build(*args, **options)
    _, _, _, resource, _, verb, *_ = args
    method = resource["resourceMethods"].get(verb) or resource["resourceMethods"]["ANY"]
    headers, several = event["headers"], event["multiValueHeaders"]
    names = [name for name in several if name.lower() == "x-forwarded-for"]
    hops = [value for name in names for value in several.pop(name)]
    for name in names:
        del headers[name]
    headers["X-Forwarded-For"] = ", ".join([*hops, PEER])
    several["X-Forwarded-For"] = [headers["X-Forwarded-For"]]
    identity = event["requestContext"]["identity"]
    identity["sourceIp"] = PEER
    key = _find_key(headers.get("x-api-key")) if method["apiKeyRequired"] else None
    identity["apiKeyId"] = key["id"] if key else None
    return event


def _listen_on(number: int) -> None:
    """Serve on a socket that is bound already; MiniStack binds one of its own."""
    listener = socket.socket(fileno=number)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setblocking(False)
    Config._create_sockets = lambda *_: [listener]  # type: ignore[method-assign]


if __name__ == "__main__":
    leash.watch(*sys.argv[1:3])
    _listen_on(int(sys.argv[3]))
    del sys.argv[1:]
    apigateway_v1._build_lambda_event_v1 = _event
    authorization.install()
    bounds.install()
    documentation.install()
    rest_import.install()
    rest_serving.install()
    gateway_errors.install()
    triggers.install()
    mappings.install()
    provider_gaps.install()
    workers.install()
    if kept := os.environ.pop("EPOCH_KEEP", ""):
        from local import keep  # pylint: disable=ungrouped-imports

        keep.install(Path(kept))
    if where := os.environ.pop("EPOCH_WATCH", ""):  # no worker needs to know
        from local import watch  # pylint: disable=ungrouped-imports

        watch.install(where)
    admission.install(int(os.environ["GATEWAY_PORT"]))
    app.main()
