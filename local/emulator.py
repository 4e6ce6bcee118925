"""`python -m local.emulator`: MiniStack, behaving in four things more like AWS.

- API Gateway believes the peer of the connection, which here is always loopback, and appends it to
  X-Forwarded-For; MiniStack believes the header. It tells a function the API key's id, too.
- API Gateway has documentation versions.
- What it exports says what the documentation of the stage's version says.
- A function's workers share its unpacked code, and so the bytecode; each unpacked its own.
"""

import copy
import hashlib
import json
import os
import tempfile
import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack import app
from ministack.core import lambda_runtime
from ministack.services import apigateway_v1

PEER = "127.0.0.1"

Reply = tuple[int, dict[str, str], bytes]

# pylint: disable=protected-access
_build = apigateway_v1._build_lambda_event_v1
_find_key = apigateway_v1._resolve_api_key
_control = apigateway_v1.handle_request
_export = apigateway_v1._build_api_export

# By API and version: the parts as they were when the version was made.
_documentation: dict[tuple[str, str], list[dict[str, Any]]] = {}


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


async def _documented_control(method: str, path: str, *rest: Any) -> Reply:
    match [part for part in path.split("/") if part], method:
        case ["restapis", api, "documentation", "versions"], "POST":
            version = json.loads(rest[1])["documentationVersion"]
            parts = apigateway_v1._documentation_parts.get(api, {}).values()
            _documentation[api, version] = copy.deepcopy(list(parts))
            made: Reply = apigateway_v1._v1_response({"version": version}, 201)
            return made
        case ["restapis", api, "documentation", "versions", version], "DELETE":
            del _documentation[api, version]
            return 202, {}, b""
    reply: Reply = await _control(method, path, *rest)
    return reply


def _inherits(location: dict[str, str], path: str, method: str, **more: str) -> bool:
    """Return whether what is said of a location is said of an entity on a path."""
    place = location.get("path", "/")
    return (
        location.get("method", "*") in {"*", method.upper()}
        and (place == path or f"{path}/".startswith(place.rstrip("/") + "/"))
        and all(location.get(key) == value for key, value in more.items())
    )


def _documented_export(api: str, stage_name: str, *rest: Any) -> dict[str, Any]:
    document: dict[str, Any] = _export(api, stage_name, *rest)
    stage = apigateway_v1._stages_v1[api][stage_name]
    parts = _documentation.get((api, stage.get("documentationVersion") or ""), [])
    # The more precise location has the last word.
    parts = sorted(parts, key=lambda part: len(part["location"].get("path", "")))
    said = [(part["location"], json.loads(part["properties"])) for part in parts]

    def say(entity: dict[str, Any], kind: str, path: str, method: str, **more: str) -> None:
        for location, properties in said:
            if location["type"] == kind and _inherits(location, path, method, **more):
                entity.update(properties)

    for location, properties in said:
        if location["type"] == "API":
            document["info"].update(properties.get("info", {}))
    kinds = {"path": "PATH_PARAMETER", "query": "QUERY_PARAMETER", "header": "REQUEST_HEADER"}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            say(operation, "METHOD", path, method)
            for parameter in operation.get("parameters", []):
                say(parameter, kinds[parameter["in"]], path, method, name=parameter["name"])
            for status, response in operation["responses"].items():
                say(response, "RESPONSE", path, method, statusCode=status)
                for name, header in response.get("headers", {}).items():
                    say(header, "RESPONSE_HEADER", path, method, statusCode=status, name=name)
    return document


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
        os.rmdir(path)
        os.symlink(shared, path)


if __name__ == "__main__":
    apigateway_v1._build_lambda_event_v1 = _event
    apigateway_v1.handle_request = _documented_control
    apigateway_v1._build_api_export = _documented_export
    lambda_runtime.zipfile = SimpleNamespace(**{**vars(zipfile), "ZipFile": _SharedZip})
    app.main()
