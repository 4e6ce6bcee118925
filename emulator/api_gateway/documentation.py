"""API Gateway's documentation as AWS has it: versions, and exports that say what they say."""

import copy
import json
import re
from typing import Any

from ministack.services import apigateway_v1

from emulator.api_gateway import stage as rest_serving

Reply = tuple[int, dict[str, str], bytes]

# pylint: disable=protected-access
_export = apigateway_v1._build_api_export

# How models name one another, which in an export are side by side.
_MODEL = re.compile(r"https://apigateway\.amazonaws\.com/restapis/\w+/models/(\w+)")

# By API and version: what AWS says of it, and the parts as they were when it was made.
_versions: dict[tuple[str, str], tuple[dict[str, Any], list[dict[str, Any]]]] = {}


def _error(kind: str, message: str, status: int) -> Reply:
    reply: Reply = apigateway_v1._v1_error(f"{kind}Exception", message, status)
    return reply


def _publish(api: str, sent: dict[str, Any]) -> Reply:
    version = sent["documentationVersion"]
    if (api, version) in _versions:
        return _error("Conflict", f"Documentation version {version} already exists", 409)
    about = {
        "version": version,
        "createdDate": apigateway_v1._now_unix(),
        "description": sent.get("description", ""),
    }
    parts = apigateway_v1._documentation_parts.get(api, {}).values()
    _versions[api, version] = about, copy.deepcopy(list(parts))
    reply: Reply = apigateway_v1._v1_response(about, 201)
    return reply


def _delete(api: str, version: str) -> Reply:
    stages = apigateway_v1._stages_v1.get(api, {}).values()
    if any(stage.get("documentationVersion") == version for stage in stages):
        return _error(
            "BadRequest",
            "Cannot delete documentation version because there are API Stages associated with it",
            400,
        )
    del _versions[api, version]
    return 202, {}, b""


def _control(method: str, api: str, version: str, query: Any, body: bytes) -> Reply | None:
    """Answer a call about documentation versions; `version` is empty for the collection."""
    if version and (api, version) not in _versions:
        return _error("NotFound", "Invalid Documentation version specified", 404)
    match method, bool(version):
        case "POST", False:
            return _publish(api, json.loads(body))
        case "GET", False:
            known = [about for (of, _), (about, _) in _versions.items() if of == api]
            reply: Reply = apigateway_v1._v1_paginated_response(known, query)
            return reply
        case "GET", True:
            reply = apigateway_v1._v1_response(_versions[api, version][0])
            return reply
        case "DELETE", True:
            return _delete(api, version)
    return None


def _inherits(location: dict[str, str], path: str, method: str, **more: str) -> bool:
    """Return whether what is said of a location is said of an entity on a path."""
    place = location.get("path", "/")
    return (
        location.get("method", "*") in {"*", method.upper()}
        and (place == path or f"{path}/".startswith(place.rstrip("/") + "/"))
        and all(location.get(key) == value for key, value in more.items())
    )


def _documented_export(api: str, stage_name: str, *rest: Any) -> dict[str, Any]:
    with rest_serving.deployed(api, stage_name):
        document: dict[str, Any] = json.loads(
            _MODEL.sub(
                lambda model: str(apigateway_v1._schema_ref(model[1], rest[0])["$ref"]),
                json.dumps(_export(api, stage_name, *rest)),
            )
        )
    stage = apigateway_v1._stages_v1[api][stage_name]
    _, parts = _versions.get((api, stage.get("documentationVersion") or ""), ({}, []))
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
    """Put these before what answers as the control plane so far, and in the export's place."""
    control = apigateway_v1.handle_request

    async def documented(method: str, path: str, *rest: Any) -> Reply:
        _, body, query = rest
        match [part for part in path.split("/") if part]:
            case ["restapis", api, "documentation", "versions", *version] if len(version) < 2:
                answer = _control(method, api, "".join(version), query, body)
                if answer:
                    return answer
        reply: Reply = await control(method, path, *rest)
        return reply

    apigateway_v1.handle_request = documented
    apigateway_v1._build_api_export = _documented_export
