"""`python -m emulator`: MiniStack, behaving in some things more like AWS.

Its argument is the number of a socket that is bound already.

- API Gateway believes the peer of the connection, which here is always loopback, and appends it to
  X-Forwarded-For; MiniStack believes the header. It tells a function the id of the API key that it
  has checked, too.
- Who may call it: `emulator.admission`.
- IAM: `emulator.iam`. API Gateway's import: `emulator.api_gateway.import_api`; what it serves:
  `emulator.api_gateway.stage`; its documentation: `emulator.api_gateway.documentation`.
- Refusals, and functions that fail: `emulator.api_gateway.errors`. What is kept: `emulator.limits`.
- What only the AWS provider asks: `emulator.provider_compat`.
- A function's workers: `emulator.lambda_workers`.
- Schedules and unattended invocations: `emulator.scheduler`. Queues and streams:
  `emulator.event_source_mappings`.
"""

import os
import socket
import sys
from pathlib import Path
from typing import Any

from hypercorn.config import Config
from ministack import app
from ministack.services import apigateway_v1

from emulator import (
    admission,
    event_source_mappings,
    iam,
    lambda_workers,
    limits,
    provider_compat,
    scheduler,
)
from emulator.api_gateway import documentation, errors, import_api, stage

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
    _listen_on(int(sys.argv[1]))
    del sys.argv[1:]
    apigateway_v1._build_lambda_event_v1 = _event
    iam.install()
    limits.install()
    documentation.install()
    import_api.install()
    stage.install()
    errors.install()
    scheduler.install()
    event_source_mappings.install()
    provider_compat.install()
    lambda_workers.install()
    if kept := os.environ.pop("EPOCH_KEEP", ""):
        from emulator import persistence  # pylint: disable=ungrouped-imports

        persistence.install(Path(kept))
    if where := os.environ.pop("EPOCH_WATCH", ""):  # no worker needs to know
        from emulator import event_reporter  # pylint: disable=ungrouped-imports

        event_reporter.install(where)
    admission.install(int(os.environ["GATEWAY_PORT"]))
    app.main()
