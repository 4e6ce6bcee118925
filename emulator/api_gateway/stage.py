"""API Gateway's serving as AWS has it.

- A stage serves, and exports, what was there when its deployment was made.
- A body is checked under the media types that are declared, and passes unchecked under any other.
- Mock integrations render their templates.
- Requests that are too large, and headers that API Gateway keeps for itself.
- A path is what the client wrote: an encoded slash parts nothing, and reaches the function encoded.
"""

import copy
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ministack import app
from ministack.core.responses import AccountRegionScopedDict
from ministack.services import apigateway_v1 as gateway

Reply = tuple[int, dict[str, Any], bytes]

# pylint: disable=protected-access
_create = gateway._create_deployment
_delete = gateway._delete_deployment
_execute = gateway._execute_in_scope
_invoke = gateway._invoke_lambda_proxy_v1
_call = gateway._call_lambda_raw
_check = gateway._check_request_validation
_handle = app._handle_execute_api_request

_MAX_BYTES = 10 * 1024 * 1024
_MAX_HEADER_BYTES = 10_240
_MAX_INVOCATION_BYTES = 6 * 1024 * 1024
_REMAPPED = frozenset(
    {"authorization", "connection", "content-md5", "date", "server", "user-agent"}
    | {"www-authenticate"}
)
_DROPPED = frozenset({"expect", "host", "te", "trailer", "transfer-encoding", "upgrade"})

_DEPLOYED = ("_resources", "_models", "_request_validators")
# By API and deployment: each of these as it was.
_snapshots: dict[tuple[str, str], dict[str, Any]] = {}
_serving: ContextVar[dict[str, Any] | None] = ContextVar("_serving", default=None)
_request: ContextVar[dict[str, Any]] = ContextVar("_request")


class _Store(AccountRegionScopedDict):  # type: ignore[misc]
    """A store of MiniStack's that within `deployed` answers from the stage's snapshot."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._data = getattr(gateway, name)._data

    def get(self, key: Any, default: Any = None) -> Any:
        """Return an API's part of the store."""
        snapshot = _serving.get()
        return super().get(key, default) if snapshot is None else snapshot[self._name]


@contextmanager
def deployed(api: str, stage_name: str) -> Iterator[None]:
    """Show an API as a stage serves it; as it is, where its deployment is older than this run."""
    stage = gateway._stages_v1.get(api, {}).get(stage_name, {})
    token = _serving.set(_snapshots.get((api, stage.get("deploymentId", ""))))
    try:
        yield
    finally:
        _serving.reset(token)


def _refused(reason: str) -> Reply:
    reply: Reply = gateway._v1_error("BadRequestException", reason, 400)
    return reply


def _create_deployment(api: str, data: Any) -> Reply:
    methods = [
        method
        for resource in gateway._resources.get(api, {}).values()
        for method in resource["resourceMethods"].values()
    ]
    if api in gateway._rest_apis and not methods:
        return _refused("The REST API doesn't contain any methods")
    if not all(method["methodIntegration"] for method in methods):
        return _refused("No integration defined for method")
    reply: Reply = _create(api, data)
    if reply[0] < 400:
        stores = {name: getattr(gateway, name).get(api, {}) for name in _DEPLOYED}
        _snapshots[api, json.loads(reply[2])["id"]] = copy.deepcopy(stores)
    return reply


def _delete_deployment(api: str, deployment: str) -> Reply:
    stages = gateway._stages_v1.get(api, {}).values()
    if any(stage["deploymentId"] == deployment for stage in stages):
        return _refused("Active stages pointing to this deployment must be moved or deleted")
    _snapshots.pop((api, deployment), None)
    reply: Reply = _delete(api, deployment)
    return reply


class _TooLong(Exception):
    """An event that Lambda does not take."""


async def _call_lambda(function: str, event: Any, **scope: Any) -> Any:
    if len(json.dumps(event, ensure_ascii=False).encode()) > _MAX_INVOCATION_BYTES:
        raise _TooLong
    return await _call(function, event, **scope)


async def _invoke_lambda(*args: Any, **options: Any) -> Any:
    reply = await _invoke(*args, **options)
    if not isinstance(reply, tuple):
        return reply
    status, headers, body = reply
    return (
        status,
        {
            f"x-amzn-Remapped-{name}" if name.lower() in _REMAPPED else name: value
            for name, value in headers.items()
            if name.lower() not in _DROPPED
        },
        body,
    )


async def _handle_raw(host: str, path: str, *request: Any, raw_path: str | None, **raw: Any) -> Any:
    return await _handle(host, raw_path or path, *request, raw_path=raw_path, **raw)


async def _execute_deployed(request: Any, api: str, stage: str, method: str, *rest: Any) -> Any:
    path, headers, body, *_ = rest
    # Neither is JSON, nor a gateway response.
    plain = {"Content-Type": "text; charset=utf-8"}
    if len(path) + sum(map(len, headers.values())) > _MAX_HEADER_BYTES:
        # AWS says so; the status is RFC 6585's.
        return 431, plain, f"HTTP header is larger than {_MAX_HEADER_BYTES} bytes.".encode()
    if len(body or b"") > _MAX_BYTES:
        return 413, plain, f"HTTP content length exceeded {_MAX_BYTES} bytes.".encode()
    method = gateway._header_ci(headers, "x-http-method-override") or method
    token = _request.set(request)
    try:
        with deployed(api, stage):
            return await _execute(request, api, stage, method, *rest)
    except _TooLong:
        said = {"Content-Type": "application/json", "x-amzn-ErrorType": "BadRequestException"}
        return 413, said, b'{"message": "Request Too Long"}'
    finally:
        _request.reset(token)


def _check_declared(method: Any, api: str, request: Any, headers: Any, *rest: Any) -> Any:
    """Check a request's body against the model of its media type, or not at all."""
    models = method.get("requestModels") or {}
    kind = gateway._header_ci(headers, "content-type") or "application/json"
    kind = kind.split(";", 1)[0].strip()
    model = models.get(kind) or models.get("$default")
    declared = {**method, "requestModels": {kind: model} if model else {}}
    return _check(declared, api, request, headers, *rest)


# -- mock integrations ----------------------------------------------------------------------------
class _Named(dict[str, Any]):
    """Parameters by name; one that is not there is an empty text."""

    def get(self, name: str, default: Any = "") -> Any:
        """Return a parameter."""
        return super().get(name, default)


class _Input:
    """What a template knows as $input."""

    def __init__(self, request: dict[str, Any]) -> None:
        self._all = {
            "path": _Named(request["path_params"]),
            "querystring": _Named(request["query_params"]),
            "header": _Named(request["headers"]),
        }

    def params(self, name: str | None = None) -> Any:
        """Return all parameters, or the first of a name: of path, query string, headers."""
        if name is None:
            return self._all
        return next((place[name] for place in self._all.values() if name in place), "")


def _renderer() -> tuple[dict[str, Any], Callable[[str], str]]:
    """Return $context, which templates change, and what renders them."""
    from airspeed import Template  # pylint: disable=import-outside-toplevel; takes 70 ms

    request = _request.get()
    context = {
        "requestId": request["request_id"],
        "resourcePath": request["resource_path"],
        "responseOverride": {"header": {}},
        "stage": request["stage_name"],
    }
    names = {"context": context, "input": _Input(request)}
    return context, lambda template: str(Template(template).merge(names))


def _mock(integration: Any) -> Any:
    context, render = _renderer()
    template = (integration.get("requestTemplates") or {}).get("application/json") or "{}"
    try:
        asked = str(json.loads(render(template))["statusCode"])
    except (KeyError, TypeError, ValueError):
        return gateway._gw_error("DEFAULT_5XX", "Internal server error")
    answers = integration.get("integrationResponses", {}).values()
    matching = [one for one in answers if one["selectionPattern"]]
    chosen = next((one for one in matching if re.fullmatch(one["selectionPattern"], asked)), None)
    chosen = chosen or next((one for one in answers if not one["selectionPattern"]), None)
    if not chosen:
        return gateway._gw_error("DEFAULT_5XX", "Internal server error")
    headers = {"Content-Type": "application/json"}
    for name, value in (chosen.get("responseParameters") or {}).items():
        headers[name.removeprefix("method.response.header.")] = value.strip("'")
    body = render((chosen.get("responseTemplates") or {}).get("application/json") or "")
    override = context["responseOverride"]
    status = int(override.get("status") or chosen["statusCode"])
    return status, headers | override["header"], b"" if status == 204 else body.encode()


def install() -> None:
    """Put these in the place of MiniStack's."""
    for name, ours in {
        **{store: _Store(store) for store in _DEPLOYED},
        "_call_lambda_raw": _call_lambda,
        "_check_request_validation": _check_declared,
        "_create_deployment": _create_deployment,
        "_delete_deployment": _delete_deployment,
        "_execute_in_scope": _execute_deployed,
        "_invoke_lambda_proxy_v1": _invoke_lambda,
        "_invoke_mock_v1": _mock,
    }.items():
        setattr(gateway, name, ours)
    app._handle_execute_api_request = _handle_raw
