"""PutRestApi and ImportRestApi: an OpenAPI 3.0 document as API Gateway takes it in.

MiniStack has neither. Only documentation in API Gateway's extension becomes documentation parts.
"""

import copy
import hashlib
import json
import re
from itertools import pairwise
from typing import Any

import yaml
from ministack.services import apigateway_v1 as gateway

from emulator.api_gateway import import_rules
from emulator.api_gateway.import_rules import EXTENSION, Operation, Spec

Reply = tuple[int, dict[str, str], bytes]

# pylint: disable=protected-access
_STORES = (
    *("_rest_apis", "_resources", "_models", "_request_validators", "_gateway_responses"),
    *("_documentation_parts", "_authorizers_v1"),
)
_MAX_BYTES = 6 * 1024 * 1024
_PLACES = {"query": "querystring", "header": "header", "path": "path"}
# Settings that overwriting puts back where the document does not name them.
_SETTINGS: dict[str, tuple[str, Any]] = {
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


def _made(reply: Reply) -> Any:
    """Return what MiniStack has made; raises ValueError with its reason."""
    if reply[0] >= 400:
        raise ValueError(json.loads(reply[2])["message"])
    return json.loads(reply[2])


class _Import:
    """One import of a document without errors into an API that exists."""

    def __init__(self, api: str, spec: Spec) -> None:
        self._api = api
        self._spec = spec
        self._schemes: dict[str, Any] = {}
        self._validators: dict[str, str] = {}

    def overwrite(self) -> None:
        """Take away all but what the document's paths and the API's identity need."""
        api = self._api
        record = gateway._rest_apis[api]
        record |= {"description": "", "disableExecuteApiEndpoint": False}
        record |= {name: copy.copy(default) for name, default in _SETTINGS.values()}
        record["endpointConfiguration"].pop("vpcEndpointIds", None)
        for store in set(_STORES) - {"_rest_apis", "_resources"}:
            getattr(gateway, store)[api] = {}
        needed = {
            place for path in self._spec.get("paths", {}) for place in import_rules.places(path)
        }
        resources = gateway._resources[api]
        for key in [key for key, one in resources.items() if one["path"] not in needed]:
            del resources[key]
        for resource in resources.values():
            resource["resourceMethods"] = {}

    def run(self) -> None:
        """Lay the document over what is there."""
        api, spec = self._api, self._spec
        self._settings(gateway._rest_apis[api])
        for name, schema in spec.get("components", {}).get("schemas", {}).items():
            self._model(name, schema)
        known = {one["name"]: one["id"] for one in gateway._request_validators[api].values()}
        for name, flags in spec.get(f"{EXTENSION}request-validators", {}).items():
            gateway._request_validators[api].pop(known.get(name), None)
            made = _made(gateway._create_request_validator(api, {"name": name, **flags}))
            known[name] = made["id"]
        self._validators = known
        for kind, response in spec.get(f"{EXTENSION}gateway-responses", {}).items():
            status = {key: str(response[key]) for key in ("statusCode",) if key in response}
            _made(gateway._put_gateway_response(api, kind, {**response, **status}))
        self._schemes = gateway._import_security_schemes(api, spec)
        for operation in import_rules.operations(spec):
            self._operation(operation)
        self._document(spec.get(f"{EXTENSION}documentation", {}).get("documentationParts", []))

    def _settings(self, record: Spec) -> None:
        spec = self._spec
        info = spec.get("info", {})
        record |= {key: str(info[said]) for said, key in _INFO.items() if said in info}
        record |= {name: spec[key] for key, (name, _) in _SETTINGS.items() if key in spec}
        record |= {name: spec[key] for key, name in _KEPT_SETTINGS.items() if key in spec}
        endpoint = dict(spec.get(f"{EXTENSION}endpoint-configuration", {}))
        if "disableExecuteApiEndpoint" in endpoint:
            record["disableExecuteApiEndpoint"] = endpoint.pop("disableExecuteApiEndpoint")
        record["endpointConfiguration"] |= endpoint

    def _stored(self, schema: Any) -> Any:
        """Return a schema as a model keeps it: without what the import loses silently."""
        if isinstance(schema, list):
            return [self._stored(item) for item in schema]
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            model = schema["$ref"].rpartition("/")[2]
            base = f"https://apigateway.amazonaws.com/restapis/{self._api}/models"
            return {"$ref": f"{base}/{model}"}
        lost = {"nullable", "xml", "externalDocs"}
        lost |= {key for key in ("exclusiveMinimum", "exclusiveMaximum") if key in schema}
        lost |= {"required"} if not schema.get("required", True) else set()
        kept = {key: value for key, value in schema.items() if key not in lost}
        properties = kept.pop("properties", None)
        kept = {key: value if key == "enum" else self._stored(value) for key, value in kept.items()}
        if properties is not None:  # whose names may be those of keywords
            kept["properties"] = {key: self._stored(one) for key, one in properties.items()}
        return kept

    def _model(self, name: str, schema: Any) -> None:
        stored = json.dumps(self._stored(schema))
        model = {"name": name, "schema": stored, "description": schema.get("description", "")}
        _made(gateway._create_model(self._api, model))

    def _models(self, said: Spec) -> dict[str, str]:
        """Return the model for each media type; a schema that has no name gets one."""
        models = {}
        for media, content in said.get("content", {}).items():
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
        """Return the id of a path's resource, creating its parents on the way."""
        resources = gateway._resources[self._api]
        known = {resource["path"]: key for key, resource in resources.items()}
        for parent, place in pairwise(import_rules.places(path)):
            if place not in known:
                part = {"pathPart": place.rpartition("/")[2]}
                made = _made(gateway._create_resource(self._api, known[parent], part))
                known[place] = made["id"]
        return str(known[import_rules.places(path)[-1]])

    def _operation(self, operation: Operation) -> None:
        said = operation.said
        at = (self._api, self._resource(operation.path), operation.method)
        key = f"{EXTENSION}request-validator"
        validator = said.get(key, self._spec.get(key))
        parameters = {
            f"method.request.{_PLACES[one['in']]}.{one['name']}": one.get("required", False)
            for one in operation.parameters
            if one.get("in") in _PLACES
        }
        in_path = {
            f"method.request.path.{one}": True for one in import_rules.variables(operation.path)
        }
        method = gateway._method_security(said.get("security"), self._schemes) | {
            "operationName": said.get("operationId", ""),
            "requestParameters": parameters | in_path,
            "requestModels": self._models(said.get("requestBody", {})),
            "requestValidatorId": self._validators[validator] if validator else None,
        }
        _made(gateway._put_method(*at, method))
        for status, response in said.get("responses", {}).items():
            if not re.fullmatch(r"\d{3}", str(status)):
                continue
            headers = {
                f"method.response.header.{one}": False for one in response.get("headers", {})
            }
            answer = {"responseParameters": headers, "responseModels": self._models(response)}
            _made(gateway._put_method_response(*at, str(status), answer))
        if integration := said.get(f"{EXTENSION}integration"):
            self._integration(at, integration)

    def _integration(self, at: tuple[str, str, str], said: Spec) -> None:
        behaviour = said.get("passthroughBehavior", "when_no_match").upper()
        whole = {**said, "type": said["type"].upper(), "passthroughBehavior": behaviour}
        _made(gateway._put_integration(*at, whole))
        for pattern, response in said.get("responses", {}).items():
            selection = {"selectionPattern": "" if pattern == "default" else pattern}
            status = str(response["statusCode"])
            _made(gateway._put_integration_response(*at, status, {**response, **selection}))

    def _document(self, parts: list[Spec]) -> None:
        known = gateway._documentation_parts[self._api]
        for part in parts:
            for key in [key for key, one in known.items() if one["location"] == part["location"]]:
                del known[key]
            said = json.dumps(part["properties"])
            _made(gateway._create_documentation_part(self._api, {**part, "properties": said}))


def _refused(reason: str, details: list[str]) -> Reply:
    text = "\n\t".join((reason, *details))
    reply: Reply = gateway._v1_error("BadRequestException", text, 400)
    return reply


def _loaded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return yaml.safe_load(body)


def _checked(body: bytes, strict: bool) -> tuple[Spec, list[str]] | Reply:
    """Return the document and its warnings, or the refusal."""
    try:
        spec = _loaded(body)
        errors, warnings = import_rules.errors(spec), import_rules.warnings(spec)
    except (AttributeError, KeyError, TypeError, ValueError, yaml.YAMLError):
        return _refused("Invalid OpenAPI input.", [])
    if len(body) > _MAX_BYTES or errors:
        return _refused("Errors found during import:", errors or ["The document exceeds 6 MB"])
    if strict and warnings:
        return _refused("Warnings found during import:", warnings)
    return spec, warnings


def _said(query: dict[str, Any], name: str, default: str) -> str:
    value = query.get(name, default)
    return str(value[0] if isinstance(value, list) else value)


def put(api: str, query: dict[str, Any], body: bytes) -> Reply:
    """Answer PUT /restapis/{api}?mode=…&failonwarnings=…; what is refused changes nothing."""
    if api not in gateway._rest_apis:
        return gateway._get_rest_api(api)  # type: ignore[no-any-return]
    checked = _checked(body, _said(query, "failonwarnings", "false") == "true")
    if len(checked) == 3:
        return checked
    spec, warnings = checked
    before = {name: copy.deepcopy(getattr(gateway, name).get(api, {})) for name in _STORES}
    run = _Import(api, spec)
    try:
        gateway._request_validators.setdefault(api, {})
        if _said(query, "mode", "merge") == "overwrite":
            run.overwrite()
        run.run()
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        for name, value in before.items():
            getattr(gateway, name)[api] = value
        return _refused("Errors found during import:", [str(error)])
    view = gateway._rest_api_view(gateway._rest_apis[api])
    reply: Reply = gateway._v1_response(view | ({"warnings": warnings} if warnings else {}))
    return reply


def create(query: dict[str, Any], body: bytes) -> Reply:
    """Answer POST /restapis?mode=import&failonwarnings=…."""
    api = json.loads(gateway._create_rest_api({})[2])["id"]
    status, headers, answer = put(api, {**query, "mode": "overwrite"}, body)
    if status >= 400:
        gateway._delete_rest_api(api)
    return (status if status >= 400 else 201), headers, answer


def install() -> None:
    """Put this before what answers as the control plane so far."""
    control = gateway.handle_request

    async def importing(method: str, path: str, *rest: Any) -> Reply:
        _, body, query = rest
        match [part for part in path.split("/") if part], method:
            case ["restapis", api], "PUT":
                return put(api, query, body)
            case ["restapis"], "POST" if "mode" in query:
                return create(query, body)
        reply: Reply = await control(method, path, *rest)
        return reply

    gateway.handle_request = importing
