"""Tells whoever started the emulator what happens in it, as JSON over a local connection.

- `call`: a call of the API with its answer; where API Gateway refused it, why.
- `aws`: what a function asked of DynamoDB, and the answer's status.
- `refusal`: what IAM did not allow.
- `log`: the lines that an invocation of a function wrote.

`aws` and `refusal` name the trace in which they happened, where the function's client sends it.
"""

import base64
import json
import queue
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from multiprocessing.connection import Client
from typing import Any
from urllib.parse import unquote

from ministack import app
from ministack.core import iam_evaluator
from ministack.services import apigateway_v1, dynamodb, lambda_svc

from emulator import metrics

_SHOWN_BYTES = 8_192  # of a body
_WAITING = 10_000  # reports; while more wait, new ones are dropped

_reports: queue.Queue[dict[str, Any]] = queue.Queue(_WAITING)
_call: ContextVar[dict[str, Any] | None] = ContextVar("call", default=None)
_trace: ContextVar[str] = ContextVar("trace", default="")

# pylint: disable=protected-access


def _report(kind: str, **report: Any) -> None:
    with suppress(queue.Full):
        _reports.put_nowait({"kind": kind, **report})


def _text(body: bytes) -> str:
    return body[:_SHOWN_BYTES].decode("utf-8", "replace") + (
        "…" if len(body) > _SHOWN_BYTES else ""
    )


async def _traced_app(serve: Any, scope: Any, *channels: Any) -> None:
    headers = dict(scope.get("headers") or ())
    _trace.set(headers.get(b"x-amzn-trace-id", b"").decode("latin-1"))
    await serve(scope, *channels)


async def _watched_execute(execute: Any, *request: Any) -> Any:
    api, stage, method, path, headers, sent, query, *_ = request
    key = apigateway_v1._resolve_api_key(headers.get("x-api-key"))
    call: dict[str, Any] = {
        "at": time.time(),
        "method": method,
        "path": unquote(path),
        "query": query,
        "headers": {k: v for k, v in headers.items() if k.lower() != "x-api-key"},
        "body": _text(sent or b""),
        "apiKey": key and key.get("name"),
    }
    token = _call.set(call)
    try:
        status, answered, body = await execute(*request)
    finally:
        _call.reset(token)
    call |= {"status": status, "ms": (time.time() - call["at"]) * 1000}
    metrics.of_call(apigateway_v1._rest_apis.get(api, {}).get("name", api), stage, call)
    answer = body if isinstance(body, bytes) else str(body or "").encode()
    call.setdefault("id", f"{call['at']}")
    if status in {413, 431}:  # has no gateway response
        call.setdefault("refused", {"type": "REQUEST_TOO_LARGE", "reason": _text(answer)})
    _report("call", **call, answerHeaders=dict(answered), answer=_text(answer))
    return status, answered, body


def _watched_event(build: Any, *args: Any, **options: Any) -> dict[str, Any]:
    event: dict[str, Any] = build(*args, **options)
    if call := _call.get():
        call |= {"id": event["requestContext"]["requestId"], "resource": event["resource"]}
    return event


def _watched_refusal(refuse: Any, error: Any, request: Mapping[str, Any]) -> Any:
    if call := _call.get():
        call |= {"id": request["request_id"], "resource": request["resource_path"]}
        call["refused"] = {"type": error.response_type, "reason": error.message}
    return refuse(error, request)


async def _watched_storage(storage: Any, *sent: Any) -> Any:
    _, _, headers, body, *_ = sent
    started = time.time()
    reply = await storage(*sent)
    if _trace.get():  # a function's
        with suppress(ValueError, AttributeError):
            request, ms = json.loads(body), (time.time() - started) * 1000
            operation = headers.get("x-amz-target", "").rpartition(".")[2]
            if reply[0] == 200:
                metrics.of_storage(request, operation, ms)
            _report(
                "aws",
                trace=_trace.get(),
                at=started,
                ms=ms,
                operation=operation,
                request=request,
                status=reply[0],
                answer=_text(reply[2]),
            )
    return reply


def _watched_enforce(enforce: Any, *request: Any, **more: Any) -> Any:
    refused = enforce(*request, **more)
    if refused and hasattr(refused, "principal_arn"):
        _report(
            "refusal",
            trace=_trace.get(),
            at=time.time(),
            principal=refused.principal_arn,
            action=request[1],
            resource=more.get("resource_arn", request[4] if len(request) > 4 else "*"),
            explicit=refused.decision == "Deny",
        )
    return refused


def _watched_log(log: Any, *invocation: Any, **more: Any) -> Any:
    function, _, text, error, ms = invocation
    name = (function.get("config") or function).get("FunctionName", "")
    lines = [line[:_SHOWN_BYTES] for line in (text or "").splitlines()]
    metrics.of_invocation(name, error, ms)
    metrics.of_lines(lines)
    _report("log", at=time.time(), function=name, lines=lines)
    return log(*invocation, **more)


def _throttled(_record: Any, name: str, *, throttle: bool, **_: Any) -> None:
    if throttle:  # others are recorded, wherever they come from, with their log
        metrics.of_throttle(name)


def _send(port: str, key: str) -> None:
    with suppress(OSError, EOFError), Client(
        ("127.0.0.1", int(port)), authkey=base64.b64decode(key)
    ) as connection:
        while True:
            connection.send_bytes(json.dumps(_reports.get(), default=str).encode())


def install(where: str) -> None:
    """Report to a `Listener` of multiprocessing.connection: `where` is its port and its key.

    After what else takes the place of MiniStack's functions.
    """
    for module, name, function in (
        (app, "app", _traced_app),
        (apigateway_v1, "_handle_execute_in_scope", _watched_execute),
        (apigateway_v1, "_gateway_error_response", _watched_refusal),
        (apigateway_v1, "_build_lambda_event_v1", _watched_event),
        (dynamodb, "handle_request", _watched_storage),
        (iam_evaluator, "enforce", _watched_enforce),
        (lambda_svc, "_emit_lambda_logs", _watched_log),
        (lambda_svc, "_emit_lambda_metrics", _throttled),
    ):
        setattr(module, name, partial(function, getattr(module, name)))
    metrics.install()
    threading.Thread(target=_send, args=where.split(), daemon=True).start()
