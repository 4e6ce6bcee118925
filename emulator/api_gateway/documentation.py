"""Serves documentation versions, and adds a stage's documentation to its export."""

import copy
import json
import re
from collections.abc import Callable
from typing import Any

from ministack.services import apigateway_v1

from emulator.api_gateway.stage import deployed
from emulator.patching import Original, wrap

Reply = tuple[int, dict[str, str], bytes]


# Models refer to each other by such URLs, exports by `$ref` within the document.
_MODEL_URL = re.compile(r"https://apigateway\.amazonaws\.com/restapis/\w+/models/(\w+)")

# By API and version: the version's record, and the documentation parts at its creation.
_versions: dict[tuple[str, str], tuple[dict[str, Any], list[dict[str, Any]]]] = {}


def _error(kind: str, message: str, status: int) -> Reply:
    reply: Reply = apigateway_v1._v1_error(f"{kind}Exception", message, status)
    return reply


def _create_version(api: str, request: dict[str, Any]) -> Reply:
    version = request["documentationVersion"]
    if (api, version) in _versions:
        return _error("Conflict", f"Documentation version {version} already exists", 409)
    record = {
        "version": version,
        "createdDate": apigateway_v1._now_unix(),
        "description": request.get("description", ""),
    }
    parts = apigateway_v1._documentation_parts.get(api, {}).values()
    _versions[api, version] = record, copy.deepcopy(list(parts))
    reply: Reply = apigateway_v1._v1_response(record, 201)
    return reply


def _delete_version(api: str, version: str) -> Reply:
    stages = apigateway_v1._stages_v1.get(api, {}).values()
    if any(stage.get("documentationVersion") == version for stage in stages):
        return _error(
            "BadRequest",
            "Cannot delete documentation version because there are API Stages associated with it",
            400,
        )
    del _versions[api, version]
    return 202, {}, b""


def _handle_versions(method: str, api: str, version: str, query: Any, body: bytes) -> Reply | None:
    """Handle a documentation version, or the collection if `version` is empty."""
    if version and (api, version) not in _versions:
        return _error("NotFound", "Invalid Documentation version specified", 404)
    match method, bool(version):
        case "POST", False:
            return _create_version(api, json.loads(body))
        case "GET", False:
            records = [record for key, (record, _) in _versions.items() if key[0] == api]
            reply: Reply = apigateway_v1._v1_paginated_response(records, query)
            return reply
        case "GET", True:
            reply = apigateway_v1._v1_response(_versions[api, version][0])
            return reply
        case "DELETE", True:
            return _delete_version(api, version)
    return None


def _applies(location: dict[str, str], path: str, method: str, **fields: str) -> bool:
    """Check that the documentation of a location applies to an entity on a path."""
    place = location.get("path", "/")
    return (
        location.get("method", "*") in {"*", method.upper()}
        and (place == path or f"{path}/".startswith(place.rstrip("/") + "/"))
        and all(location.get(key) == value for key, value in fields.items())
    )


def _build_export(
    original: Callable[..., dict[str, Any]], api: str, stage_name: str, *args: Any
) -> dict[str, Any]:
    with deployed(api, stage_name):
        document: dict[str, Any] = json.loads(
            _MODEL_URL.sub(
                lambda model: str(apigateway_v1._schema_ref(model[1], args[0])["$ref"]),
                json.dumps(original(api, stage_name, *args)),
            )
        )
    stage = apigateway_v1._stages_v1[api][stage_name]
    _, parts = _versions.get((api, stage.get("documentationVersion") or ""), ({}, []))
    # Applied in this order, the most precise location overrides the others.
    parts = sorted(parts, key=lambda part: len(part["location"].get("path", "")))
    texts = [(part["location"], json.loads(part["properties"])) for part in parts]

    def document_entity(
        entity: dict[str, Any], kind: str, path: str, method: str, **fields: str
    ) -> None:
        for location, properties in texts:
            if location["type"] == kind and _applies(location, path, method, **fields):
                entity.update(properties)

    for location, properties in texts:
        if location["type"] == "API":
            document["info"].update(properties.get("info", {}))
    kinds = {"path": "PATH_PARAMETER", "query": "QUERY_PARAMETER", "header": "REQUEST_HEADER"}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            document_entity(operation, "METHOD", path, method)
            for parameter in operation.get("parameters", []):
                document_entity(
                    parameter, kinds[parameter["in"]], path, method, name=parameter["name"]
                )
            for status, response in operation["responses"].items():
                document_entity(response, "RESPONSE", path, method, statusCode=status)
                for name, header in response.get("headers", {}).items():
                    document_entity(
                        header, "RESPONSE_HEADER", path, method, statusCode=status, name=name
                    )
    return document


async def _handle_request(original: Original, *request: Any) -> Any:
    method, path, _, body, query = request
    match [part for part in path.split("/") if part]:
        case ["restapis", api, "documentation", "versions", *version] if len(version) < 2:
            if reply := _handle_versions(method, api, "".join(version), query, body):
                return reply
    return await original(*request)


PATCHES = (
    wrap(apigateway_v1, "handle_request", _handle_request),
    wrap(apigateway_v1, "_build_api_export", _build_export),
)
