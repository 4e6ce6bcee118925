"""API Gateway's documentation as AWS has it: versions, and exports that say what they say."""

import copy
import json
from typing import Any

from ministack.services import apigateway_v1

Reply = tuple[int, dict[str, str], bytes]

# pylint: disable=protected-access
_control = apigateway_v1.handle_request
_export = apigateway_v1._build_api_export

# By API and version: the parts as they were when the version was made.
_versions: dict[tuple[str, str], list[dict[str, Any]]] = {}


async def _documented_control(method: str, path: str, *rest: Any) -> Reply:
    match [part for part in path.split("/") if part], method:
        case ["restapis", api, "documentation", "versions"], "POST":
            version = json.loads(rest[1])["documentationVersion"]
            parts = apigateway_v1._documentation_parts.get(api, {}).values()
            _versions[api, version] = copy.deepcopy(list(parts))
            made: Reply = apigateway_v1._v1_response({"version": version}, 201)
            return made
        case ["restapis", api, "documentation", "versions", version], "DELETE":
            del _versions[api, version]
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
    parts = _versions.get((api, stage.get("documentationVersion") or ""), [])
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


def install() -> None:
    """Put these in the place of MiniStack's."""
    apigateway_v1.handle_request = _documented_control
    apigateway_v1._build_api_export = _documented_export
