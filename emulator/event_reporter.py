"""Reports events in the emulator as JSON over a local connection.

- `call`: a call of an API with its response and, if API Gateway refused it, the reason.
- `aws`: a function's call of DynamoDB, with the status of the response.
- `refusal`: an action that IAM denied.
- `log`: the lines that an invocation of a function wrote.

`aws` and `refusal` contain the trace id, if the function's client sends one.
"""

import base64
import json
import queue
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from multiprocessing.connection import Client
from typing import Any
from urllib.parse import unquote

from ministack import app
from ministack.core import iam_evaluator
from ministack.services import apigateway_v1, dynamodb, lambda_svc

from emulator import cloudwatch_metrics
from emulator.patching import Original, Patch, wrap

_MAX_BODY_BYTES, _MAX_LINE = 8_192, 65_536  # longer bodies and log lines are cut
_MAX_QUEUED_REPORTS = 10_000  # beyond it, new reports are dropped

_reports: queue.Queue[dict[str, Any]] = queue.Queue(_MAX_QUEUED_REPORTS)
_call: ContextVar[dict[str, Any] | None] = ContextVar("call", default=None)
_trace: ContextVar[str] = ContextVar("trace", default="")


def _report(kind: str, **fields: Any) -> None:
    with suppress(queue.Full):
        _reports.put_nowait({"kind": kind, **fields})


def _text(body: bytes) -> str:
    return body[:_MAX_BODY_BYTES].decode("utf-8", "replace") + (
        "…" if len(body) > _MAX_BODY_BYTES else ""
    )


async def _app(original: Original, scope: Any, *channels: Any) -> None:
    headers = dict(scope.get("headers") or ())
    _trace.set(headers.get(b"x-amzn-trace-id", b"").decode("latin-1"))
    await original(scope, *channels)


async def _execute(original: Original, *args: Any) -> Any:
    api, stage, method, path, headers, request_body, query, *_ = args
    key = apigateway_v1._resolve_api_key(headers.get("x-api-key"))
    call: dict[str, Any] = {
        "at": time.time(),
        "method": method,
        "path": unquote(path),
        "query": query,
        "headers": {k: v for k, v in headers.items() if k.lower() != "x-api-key"},
        "body": _text(request_body or b""),
        "apiKey": key and key.get("name"),
    }
    token = _call.set(call)
    try:
        status, response_headers, body = await original(*args)
    finally:
        _call.reset(token)
    call |= {"status": status, "ms": (time.time() - call["at"]) * 1000}
    name = apigateway_v1._rest_apis.get(api, {}).get("name", api)
    cloudwatch_metrics.record_api_call(name, stage, call)
    answer = body if isinstance(body, bytes) else str(body or "").encode()
    call.setdefault("id", f"{call['at']}")
    if status in {413, 431}:  # API Gateway has no gateway response for these
        call.setdefault("refused", {"type": "REQUEST_TOO_LARGE", "reason": _text(answer)})
    _report("call", **call, answerHeaders=dict(response_headers), answer=_text(answer))
    return status, response_headers, body


def _build_event(
    original: Callable[..., dict[str, Any]], *args: Any, **options: Any
) -> dict[str, Any]:
    event = original(*args, **options)
    if call := _call.get():
        call |= {"id": event["requestContext"]["requestId"], "resource": event["resource"]}
    return event


def _gateway_error(original: Original, error: Any, request: Mapping[str, Any]) -> Any:
    if call := _call.get():
        call |= {"id": request["request_id"], "resource": request["resource_path"]}
        call["refused"] = {"type": error.response_type, "reason": error.message}
    return original(error, request)


async def _handle_dynamodb(original: Original, *args: Any) -> Any:
    _, _, headers, body, *_ = args
    started = time.time()
    reply = await original(*args)
    if _trace.get():  # the call of a function
        with suppress(AttributeError, RecursionError, ValueError):
            request, ms = json.loads(body), (time.time() - started) * 1000
            operation = headers.get("x-amz-target", "").rpartition(".")[2]
            if reply[0] == 200:
                cloudwatch_metrics.record_dynamodb_call(request, operation, ms)
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


def _enforce(original: Original, *args: Any, **options: Any) -> Any:
    denial = original(*args, **options)
    if denial and hasattr(denial, "principal_arn"):
        _report(
            "refusal",
            trace=_trace.get(),
            at=time.time(),
            principal=denial.principal_arn,
            action=args[1],
            resource=options.get("resource_arn", args[4] if len(args) > 4 else "*"),
            explicit=denial.decision == "Deny",
        )
    return denial


def _emit_logs(original: Original, *args: Any, **options: Any) -> Any:
    function, _, text, error, ms = args
    name = (function.get("config") or function).get("FunctionName", "")
    lines = [line[:_MAX_LINE] for line in (text or "").splitlines()]
    cloudwatch_metrics.record_invocation(name, error, ms)
    cloudwatch_metrics.record_log_lines(lines)
    _report("log", at=time.time(), function=name, lines=lines)
    return original(*args, **options)


def _emit_metrics(_original: Any, name: str, *, throttle: bool, **_: Any) -> None:
    """Record throttles only: `_emit_logs` records all other invocations."""
    if throttle:
        cloudwatch_metrics.record_throttle(name)


def _send_reports(port: str, key: str) -> None:
    with (
        suppress(OSError, EOFError),
        Client(("127.0.0.1", int(port)), authkey=base64.b64decode(key)) as connection,
    ):
        while True:
            with suppress(RecursionError):  # a deeply nested request
                connection.send_bytes(json.dumps(_reports.get(), default=str).encode())


def patches(address: str) -> tuple[Patch, ...]:
    """Connect to a `Listener` of multiprocessing.connection, and return the patches that report.

    `address` is the listener's port and its base64 key, separated by a space.
    """
    threading.Thread(target=_send_reports, args=address.split(), daemon=True).start()
    return (
        wrap(app, "app", _app),
        wrap(apigateway_v1, "_handle_execute_in_scope", _execute),
        wrap(apigateway_v1, "_gateway_error_response", _gateway_error),
        wrap(apigateway_v1, "_build_lambda_event_v1", _build_event),
        wrap(dynamodb, "handle_request", _handle_dynamodb),
        wrap(iam_evaluator, "enforce", _enforce),
        wrap(lambda_svc, "_emit_lambda_logs", _emit_logs),
        wrap(lambda_svc, "_emit_lambda_metrics", _emit_metrics),
        *cloudwatch_metrics.PATCHES,
    )
