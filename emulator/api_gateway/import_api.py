"""Imports OpenAPI 3.0 documents by PutRestApi in the mode `overwrite`, which MiniStack lacks.

Documentation parts come only from API Gateway's extension, not from descriptions in the document.
"""

import copy
import hashlib
import json
import re
from itertools import pairwise
from typing import Any

from ministack.services import apigateway_v1 as gateway

from emulator.api_gateway import import_rules
from emulator.api_gateway.import_rules import EXTENSION, Operation, Spec
from emulator.patching import Original, wrap

Reply = tuple[int, dict[str, str], bytes]

_MAX_BYTES = 6 * 1024 * 1024
_PARAMETER_LOCATIONS = {"query": "querystring", "header": "header", "path": "path"}
# Overwriting resets these settings to their defaults, unless the document has them.
_RESET_SETTINGS: dict[str, tuple[str, Any]] = {
    f"{EXTENSION}api-key-source": ("apiKeySource", "HEADER"),
    f"{EXTENSION}binary-media-types": ("binaryMediaTypes", []),
    f"{EXTENSION}minimum-compression-size": ("minimumCompressionSize", None),
    f"{EXTENSION}policy": ("policy", None),
}
_INFO = {"title": "name", "version": "version", "description": "description"}
_KEPT_SETTINGS = {
    f"{EXTENSION}security-policy": "securityPolicy",
    f"{EXTENSION}endpoint-access-mode": "endpointAccessMode",
}


def _stores() -> list[Any]:
    """Return the stores that an import changes; overwriting keeps entries of the first two."""
    return [
        *(gateway._rest_apis, gateway._resources, gateway._models, gateway._request_validators),
        *(gateway._gateway_responses, gateway._documentation_parts, gateway._authorizers_v1),
    ]


def _created(reply: Reply) -> Any:
    """Return the created object; raises ValueError with MiniStack's error message."""
    if reply[0] >= 400:
        raise ValueError(json.loads(reply[2])["message"])
    return json.loads(reply[2])


class _Import:
    """One import of a valid document into an existing API."""

    def __init__(self, api: str, spec: Spec) -> None:
        self._api = api
        self._spec = spec
        self._schemes: dict[str, Any] = {}
        self._validators: dict[str, str] = {}

    def overwrite(self) -> None:
        """Delete everything except the API's identity and the resources of the document's paths."""
        api = self._api
        record = gateway._rest_apis[api]
        record |= {"description": "", "disableExecuteApiEndpoint": False}
        record |= {name: copy.copy(default) for name, default in _RESET_SETTINGS.values()}
        record["endpointConfiguration"].pop("vpcEndpointIds", None)
        for store in _stores()[2:]:
            store[api] = {}
        needed = {
            place for path in self._spec.get("paths", {}) for place in import_rules.places(path)
        }
        resources = gateway._resources[api]
        for key in [key for key, one in resources.items() if one["path"] not in needed]:
            del resources[key]
        for resource in resources.values():
            resource["resourceMethods"] = {}

    def run(self) -> None:
        """Add the document to the API."""
        api, spec = self._api, self._spec
        self._settings(gateway._rest_apis[api])
        for name, schema in spec.get("components", {}).get("schemas", {}).items():
            self._model(name, schema)
        for name, flags in spec.get(f"{EXTENSION}request-validators", {}).items():
            created = _created(gateway._create_request_validator(api, {"name": name, **flags}))
            self._validators[name] = created["id"]
        for kind, response in spec.get(f"{EXTENSION}gateway-responses", {}).items():
            status = {key: str(response[key]) for key in ("statusCode",) if key in response}
            _created(gateway._put_gateway_response(api, kind, {**response, **status}))
        self._schemes = gateway._import_security_schemes(api, spec)
        for operation in import_rules.operations(spec):
            self._operation(operation)
        self._documentation(spec.get(f"{EXTENSION}documentation", {}).get("documentationParts", []))

    def _settings(self, record: Spec) -> None:
        spec = self._spec
        info = spec.get("info", {})
        record |= {key: str(info[field]) for field, key in _INFO.items() if field in info}
        record |= {name: spec[key] for key, (name, _) in _RESET_SETTINGS.items() if key in spec}
        record |= {name: spec[key] for key, name in _KEPT_SETTINGS.items() if key in spec}
        endpoint = dict(spec.get(f"{EXTENSION}endpoint-configuration", {}))
        if "disableExecuteApiEndpoint" in endpoint:
            record["disableExecuteApiEndpoint"] = endpoint.pop("disableExecuteApiEndpoint")
        record["endpointConfiguration"] |= endpoint

    def _model_schema(self, schema: Any) -> Any:
        """Return a schema without the keywords that the import drops silently."""
        if isinstance(schema, list):
            return [self._model_schema(item) for item in schema]
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            model = schema["$ref"].rpartition("/")[2]
            base = f"https://apigateway.amazonaws.com/restapis/{self._api}/models"
            return {"$ref": f"{base}/{model}"}
        dropped = {"nullable", "xml", "externalDocs"}
        dropped |= {key for key in ("exclusiveMinimum", "exclusiveMaximum") if key in schema}
        dropped |= {"required"} if not schema.get("required", True) else set()
        kept = {key: value for key, value in schema.items() if key not in dropped}
        properties = kept.pop("properties", None)
        kept = {
            key: value if key == "enum" else self._model_schema(value)
            for key, value in kept.items()
        }
        if properties is not None:  # a property may have the name of a keyword
            kept["properties"] = {key: self._model_schema(one) for key, one in properties.items()}
        return kept

    def _model(self, name: str, schema: Any) -> None:
        text = json.dumps(self._model_schema(schema))
        model = {"name": name, "schema": text, "description": schema.get("description", "")}
        _created(gateway._create_model(self._api, model))

    def _models(self, body: Spec) -> dict[str, str]:
        """Return the model of each media type; a schema without a name gets a generated one."""
        models = {}
        for media, content in body.get("content", {}).items():
            schema = content.get("schema")
            if schema is None:
                continue
            name = schema.get("$ref", "").rpartition("/")[2]
            if not name:
                name = "MODEL" + hashlib.sha256(json.dumps(schema).encode()).hexdigest()[:6]
                self._model(name, schema)
            models[media] = name
        return models

    def _resource(self, path: str) -> str:
        """Return the id of a path's resource; creates it and its parents if necessary."""
        resources = gateway._resources[self._api]
        known = {resource["path"]: key for key, resource in resources.items()}
        for parent, place in pairwise(import_rules.places(path)):
            if place not in known:
                part = {"pathPart": place.rpartition("/")[2]}
                created = _created(gateway._create_resource(self._api, known[parent], part))
                known[place] = created["id"]
        return str(known[import_rules.places(path)[-1]])

    def _operation(self, operation: Operation) -> None:
        fields = operation.fields
        at = (self._api, self._resource(operation.path), operation.method)
        key = f"{EXTENSION}request-validator"
        validator = fields.get(key, self._spec.get(key))
        parameters = {
            f"method.request.{_PARAMETER_LOCATIONS[one['in']]}.{one['name']}": one.get(
                "required", False
            )
            for one in operation.parameters
            if one.get("in") in _PARAMETER_LOCATIONS
        }
        in_path = {
            f"method.request.path.{one}": True for one in import_rules.variables(operation.path)
        }
        method = gateway._method_security(fields.get("security"), self._schemes) | {
            "operationName": fields.get("operationId", ""),
            "requestParameters": parameters | in_path,
            "requestModels": self._models(fields.get("requestBody", {})),
            "requestValidatorId": self._validators[validator] if validator else None,
        }
        _created(gateway._put_method(*at, method))
        for status, response in fields.get("responses", {}).items():
            if not re.fullmatch(r"\d{3}", str(status)):
                continue
            headers = {
                f"method.response.header.{one}": False for one in response.get("headers", {})
            }
            method_response = {
                "responseParameters": headers,
                "responseModels": self._models(response),
            }
            _created(gateway._put_method_response(*at, str(status), method_response))
        if integration := fields.get(f"{EXTENSION}integration"):
            self._integration(at, integration)

    def _integration(self, at: tuple[str, str, str], fields: Spec) -> None:
        behavior = fields.get("passthroughBehavior", "when_no_match").upper()
        integration = {**fields, "type": fields["type"].upper(), "passthroughBehavior": behavior}
        _created(gateway._put_integration(*at, integration))
        for pattern, response in fields.get("responses", {}).items():
            selection = {"selectionPattern": "" if pattern == "default" else pattern}
            status = str(response["statusCode"])
            _created(gateway._put_integration_response(*at, status, {**response, **selection}))

    def _documentation(self, parts: list[Spec]) -> None:
        for part in parts:
            text = json.dumps(part["properties"])
            _created(gateway._create_documentation_part(self._api, {**part, "properties": text}))


def _refused(reason: str, details: list[str]) -> Reply:
    text = "\n\t".join((reason, *details))
    reply: Reply = gateway._v1_error("BadRequestException", text, 400)
    return reply


def _validate(body: bytes, fail_on_warnings: bool) -> tuple[Spec, list[str]] | Reply:
    """Return the document and its warnings, or the error response."""
    try:
        spec = json.loads(body)
        errors, warnings = import_rules.errors(spec), import_rules.warnings(spec)
    except (AttributeError, KeyError, TypeError, ValueError):
        return _refused("Invalid OpenAPI input.", [])
    if len(body) > _MAX_BYTES or errors:
        return _refused("Errors found during import:", errors or ["The document exceeds 6 MB"])
    if fail_on_warnings and warnings:
        return _refused("Warnings found during import:", warnings)
    return spec, warnings


def _parameter(query: dict[str, Any], name: str, default: str) -> str:
    value = query.get(name, default)
    return str(value[0] if isinstance(value, list) else value)


def put(api: str, query: dict[str, Any], body: bytes) -> Reply:
    """Handle PUT /restapis/{api}?mode=overwrite&failonwarnings=…; an error changes nothing."""
    if api not in gateway._rest_apis:
        return gateway._get_rest_api(api)  # type: ignore[no-any-return]
    checked = _validate(body, _parameter(query, "failonwarnings", "false") == "true")
    if len(checked) == 3:
        return checked
    spec, warnings = checked
    before = [copy.deepcopy(store.get(api, {})) for store in _stores()]
    run = _Import(api, spec)
    try:
        run.overwrite()
        run.run()
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        for store, value in zip(_stores(), before, strict=True):
            store[api] = value
        return _refused("Errors found during import:", [str(error)])
    view = gateway._rest_api_view(gateway._rest_apis[api])
    reply: Reply = gateway._v1_response(view | ({"warnings": warnings} if warnings else {}))
    return reply


async def _handle_request(original: Original, *request: Any) -> Any:
    method, path, _, body, query = request
    match [part for part in path.split("/") if part], method:
        case ["restapis", api], "PUT":
            return put(api, query, body)
    return await original(*request)


PATCHES = (wrap(gateway, "handle_request", _handle_request),)
