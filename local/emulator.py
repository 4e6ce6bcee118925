"""`python -m local.emulator`: MiniStack on a leash, behaving in some things more like AWS.

- API Gateway believes the peer of the connection, which here is always loopback, and appends it to
  X-Forwarded-For; MiniStack believes the header. It tells a function the API key's id, too.
- A function's workers share its unpacked code, and so the bytecode; each unpacked its own.
- IAM: `local.authorization`. API Gateway's import: `local.rest_import`; what it serves:
  `local.rest_serving`; its documentation: `local.documentation`.
- Refusals, and functions that fail: `local.gateway_errors`. What is kept: `local.bounds`.
- What only the AWS provider asks: `local.provider_gaps`.
- Schedules and unattended invocations: `local.triggers`. Queues and streams: `local.mappings`.
"""

import hashlib
import os
import socket
import sys
import tempfile
import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hypercorn.config import Config
from ministack import app
from ministack.core import lambda_runtime
from ministack.services import apigateway_v1

from local import (
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
)

PEER = "127.0.0.1"

# pylint: disable=protected-access
_build = apigateway_v1._build_lambda_event_v1
_find_key = apigateway_v1._resolve_api_key


def _event(*args: Any, **options: Any) -> dict[str, Any]:
    event: dict[str, Any] = _build(*args, **options)
    headers, several = event["headers"], event["multiValueHeaders"]
    names = [name for name in several if name.lower() == "x-forwarded-for"]
    hops = [value for name in names for value in several.pop(name)]
    for name in names:
        del headers[name]
    headers["X-Forwarded-For"] = ", ".join([*hops, PEER])
    several["X-Forwarded-For"] = [headers["X-Forwarded-For"]]
    identity = event["requestContext"]["identity"]
    identity["sourceIp"] = PEER
    key = _find_key(headers.get("x-api-key"))
    identity["apiKeyId"] = key["id"] if key else None
    return event


def _keep_private(code: Path) -> None:
    """Let the tracer mark its start in our temporary folder: it opens, and empties, a path in /tmp
    that anybody may have made a link."""
    launcher = code / "aws_xray_sdk" / "core" / "lambda_launcher.py"
    if launcher.exists():
        text = launcher.read_text(encoding="utf-8")
        launcher.write_text(text.replace("/tmp/", f"{tempfile.gettempdir()}/"), encoding="utf-8")


class _SharedZip(zipfile.ZipFile):
    """A zip that is unpacked once; where it is to be unpacked, a link leads there."""

    _unpacking = threading.Lock()

    def extractall(self, path: Any = None, members: Any = None, pwd: Any = None) -> None:
        """Link `path`, an empty folder, to the unpacked files."""
        assert self.filename
        digest = hashlib.sha256(Path(self.filename).read_bytes()).hexdigest()
        shared = Path(tempfile.gettempdir(), f"code-{digest}")
        with self._unpacking:
            if not shared.exists():
                super().extractall(shared, members, pwd)
                _keep_private(shared)
        os.rmdir(path)
        os.symlink(shared, path)


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
    lambda_runtime.zipfile = SimpleNamespace(**{**vars(zipfile), "ZipFile": _SharedZip})
    if kept := os.environ.pop("EPOCH_KEEP", ""):
        from local import keep  # pylint: disable=ungrouped-imports

        keep.install(Path(kept))
    if where := os.environ.pop("EPOCH_WATCH", ""):  # no worker needs to know
        from local import watch  # pylint: disable=ungrouped-imports

        watch.install(where)
    app.main()
