"""Serves a stage as API Gateway does.

- A stage serves and exports the API as it was at the stage's deployment.
- A body is validated by the model of its media type. Other media types pass.
- Mock integrations render their templates.
- Too large requests are refused. API Gateway renames or drops some response headers.
- An API with a minimum compression size unpacks requests, and packs responses of that size.
- A mock of an API that takes all media types as binary needs CONVERT_TO_TEXT.
- An encoded slash in a path separates nothing, and reaches the function encoded.
"""

import copy
import gzip
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

from ministack import app
from ministack.core.responses import AccountRegionScopedDict
from ministack.services import apigateway_v1 as gateway

from emulator.patching import Original, Patch, replace, wrap

Reply = tuple[int, dict[str, Any], bytes]

_MAX_BYTES = 10 * 1024 * 1024
_MAX_HEADER_BYTES = 10_240
_MAX_INVOCATION_BYTES = 6 * 1024 * 1024
_REMAPPED = frozenset(
    {"authorization", "connection", "content-md5", "date", "server", "user-agent"}
    | {"www-authenticate"}
)
_DROPPED = frozenset({"expect", "host", "te", "trailer", "transfer-encoding", "upgrade"})

_DEPLOYED = ("_authorizers_v1", "_resources", "_models", "_request_validators")
# By API and deployment: a copy of each of these stores.
_snapshots: dict[tuple[str, str], dict[str, Any]] = {}
_serving: ContextVar[dict[str, Any] | None] = ContextVar("_serving", default=None)
_request: ContextVar[dict[str, Any]] = ContextVar("_request")


class _Store(AccountRegionScopedDict):  # type: ignore[misc]
    """A store that returns the stage's snapshot within `deployed`."""

    def __init__(self, name: str, original: AccountRegionScopedDict) -> None:
        super().__init__()
        self._name = name
        self._data = original._data

    def get(self, key: Any, default: Any = None) -> Any:
        """Return the entries of an API."""
        snapshot = _serving.get()
        return super().get(key, default) if snapshot is None else snapshot[self._name]


@contextmanager
def deployed(api: str, stage_name: str) -> Iterator[None]:
    """Read an API's stores from the snapshot of a stage's deployment, if this run created it."""
    stage = gateway._stages_v1.get(api, {}).get(stage_name, {})
    token = _serving.set(_snapshots.get((api, stage.get("deploymentId", ""))))
    try:
        yield
    finally:
        _serving.reset(token)


def _refused(reason: str) -> Reply:
    reply: Reply = gateway._v1_error("BadRequestException", reason, 400)
    return reply


def _create_deployment(original: Callable[..., Reply], api: str, data: Any) -> Reply:
    methods = [
        method
        for resource in gateway._resources.get(api, {}).values()
        for method in resource["resourceMethods"].values()
    ]
    if api in gateway._rest_apis and not methods:
        return _refused("The REST API doesn't contain any methods")
    if not all(method["methodIntegration"] for method in methods):
        return _refused("No integration defined for method")
    reply = original(api, data)
    if reply[0] < 400:
        stores = {name: getattr(gateway, name).get(api, {}) for name in _DEPLOYED}
        _snapshots[api, json.loads(reply[2])["id"]] = copy.deepcopy(stores)
    return reply


def _delete_deployment(original: Callable[..., Reply], api: str, deployment: str) -> Reply:
    stages = gateway._stages_v1.get(api, {}).values()
    if any(stage["deploymentId"] == deployment for stage in stages):
        return _refused("Active stages pointing to this deployment must be moved or deleted")
    _snapshots.pop((api, deployment), None)
    return original(api, deployment)


class _TooLong(Exception):
    """An event that exceeds Lambda's payload limit."""


async def _call_lambda(original: Original, function: str, event: Any, **scope: Any) -> Any:
    # JSON takes at most six bytes for a character. All but the body is short.
    if len(event["body"] or "") > _MAX_INVOCATION_BYTES // 12:
        if len(json.dumps(event, ensure_ascii=False).encode()) > _MAX_INVOCATION_BYTES:
            raise _TooLong
    return await original(function, event, **scope)


async def _invoke_proxy(original: Original, *args: Any, **options: Any) -> Any:
    reply = await original(*args, **options)
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


async def _handle_raw_path(
    original: Original, host: str, path: str, *request: Any, raw_path: str | None, **options: Any
) -> Any:
    return await original(host, raw_path or path, *request, raw_path=raw_path, **options)


async def _execute(
    original: Original, request: Any, api: str, stage: str, method: str, *args: Any
) -> Any:
    path, headers, body, *_ = args
    # Both are plain text, and no gateway response applies.
    plain = {"Content-Type": "text; charset=utf-8"}
    if len(path) + sum(map(len, headers.values())) > _MAX_HEADER_BYTES:
        # The text is from AWS, the status from RFC 6585.
        return 431, plain, f"HTTP header is larger than {_MAX_HEADER_BYTES} bytes.".encode()
    if len(body or b"") > _MAX_BYTES:
        return 413, plain, f"HTTP content length exceeded {_MAX_BYTES} bytes.".encode()
    method = gateway._header_ci(headers, "x-http-method-override") or method
    token = _request.set(request)
    try:
        with deployed(api, stage):
            size = gateway._rest_apis.get(api, {}).get("minimumCompressionSize")
            if size is None:
                return await original(request, api, stage, method, *args)
            path, headers, body, *others = args
            if headers.get("content-encoding") == "gzip":
                headers = {k: v for k, v in headers.items() if k != "content-encoding"}
                body = gzip.decompress(body)
            reply = await original(request, api, stage, method, path, headers, body, *others)
            return _compressed(reply, headers.get("accept-encoding", ""), int(size))
    except _TooLong:
        json_error = {"Content-Type": "application/json", "x-amzn-ErrorType": "BadRequestException"}
        return 413, json_error, b'{"message": "Request Too Long"}'
    finally:
        _request.reset(token)


def _compressed(reply: Any, accepted: str, size: int) -> Any:
    if not isinstance(reply, tuple):  # an error, which MiniStack renders later
        return reply
    status, headers, body = reply
    names = {name.lower() for name in headers}
    if "gzip" not in accepted or len(body) < size or not body or "content-encoding" in names:
        return reply
    return status, {**headers, "Content-Encoding": "gzip"}, gzip.compress(body)


def _validate_request(
    original: Original, method: Any, api: str, request: Any, headers: Any, *args: Any
) -> Any:
    """Validate the body only by the model of its media type."""
    models = method.get("requestModels") or {}
    kind = gateway._header_ci(headers, "content-type") or "application/json"
    kind = kind.split(";", 1)[0].strip()
    model = models.get(kind) or models.get("$default")
    declared = {**method, "requestModels": {kind: model} if model else {}}
    return original(declared, api, request, headers, *args)


# -- mock integrations ----------------------------------------------------------------------------
class _Parameters(dict[str, Any]):
    """Parameters by name; a missing one is an empty string."""

    def get(self, name: str, default: Any = "") -> Any:
        """Return a parameter."""
        return super().get(name, default)


class _Input:
    """The variable $input of templates."""

    def __init__(self, request: dict[str, Any]) -> None:
        self._all = {
            "path": _Parameters(request["path_params"]),
            "querystring": _Parameters(request["query_params"]),
            "header": _Parameters(request["headers"]),
        }

    def params(self, name: str | None = None) -> Any:
        """Return all parameters, or one from the first of path, query string and headers."""
        if name is None:
            return self._all
        return next((place[name] for place in self._all.values() if name in place), "")


def _renderer() -> tuple[dict[str, Any], Callable[[str], str]]:
    """Return $context, which templates may change, and a function that renders a template."""
    from airspeed import Template

    request = _request.get()
    context = {
        "requestId": request["request_id"],
        "resourcePath": request["resource_path"],
        "responseOverride": {"header": {}},
        "stage": request["stage_name"],
    }
    names = {"context": context, "input": _Input(request)}
    return context, lambda template: str(Template(template).merge(names))


def _invoke_mock(integration: Any) -> Any:
    types = gateway._rest_apis.get(_request.get()["api_id"], {}).get("binaryMediaTypes") or ()
    if "*/*" in types and integration.get("contentHandling") != "CONVERT_TO_TEXT":
        return gateway._gw_error("DEFAULT_5XX", "Internal server error")
    context, render = _renderer()
    template = (integration.get("requestTemplates") or {}).get("application/json") or "{}"
    try:
        status_text = str(json.loads(render(template))["statusCode"])
    except (KeyError, TypeError, ValueError):
        return gateway._gw_error("DEFAULT_5XX", "Internal server error")
    responses = integration.get("integrationResponses", {}).values()
    matching = [one for one in responses if one["selectionPattern"]]
    chosen = next(
        (one for one in matching if re.fullmatch(one["selectionPattern"], status_text)), None
    )
    chosen = chosen or next((one for one in responses if not one["selectionPattern"]), None)
    if not chosen:
        return gateway._gw_error("DEFAULT_5XX", "Internal server error")
    headers = {"Content-Type": "application/json"}
    for name, value in (chosen.get("responseParameters") or {}).items():
        headers[name.removeprefix("method.response.header.")] = value.strip("'")
    body = render((chosen.get("responseTemplates") or {}).get("application/json") or "")
    override = context["responseOverride"]
    status = int(override.get("status") or chosen["statusCode"])
    return status, headers | override["header"], b"" if status == 204 else body.encode()


PATCHES = (
    *(Patch(gateway, name, partial(_Store, name)) for name in _DEPLOYED),
    wrap(gateway, "_create_deployment", _create_deployment),
    wrap(gateway, "_delete_deployment", _delete_deployment),
    wrap(gateway, "_check_request_validation", _validate_request),
    replace(gateway, "_invoke_mock_v1", _invoke_mock),
    wrap(gateway, "_call_lambda_raw", _call_lambda),
    wrap(gateway, "_invoke_lambda_proxy_v1", _invoke_proxy),
    wrap(gateway, "_execute_in_scope", _execute),
    wrap(app, "_handle_execute_api_request", _handle_raw_path),
)
