"""Refuses requests and reports failed integrations as API Gateway does.

- A request needs the exact path and method of a resource, and one statement of its length.
- A function is invoked only if its policy permits API Gateway to do so.
- A function that fails, is throttled or returns no response leads to the gateway response
  DEFAULT_5XX. The emulator logs the reason.
- A request waits one second for a free instance of the function, then starts a further instance.
"""

import asyncio
import json
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import h11
from ministack.services import apigateway_v1 as gateway

from emulator import failure_log, iam
from emulator.patching import Original, replace, wrap

# AWS starts an instance at once. Here it is a process, which takes seconds among many others.
_PATIENCE_S = 1
_instances = asyncio.Semaphore(16)
_further = asyncio.Semaphore(min(16, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 8 - 16))


class _Connection(h11.Connection):
    """A connection that refuses ambiguous lengths and methods in lower case."""

    def next_event(self) -> Any:
        """Return the next event; raises h11.RemoteProtocolError for a refused request."""
        event = super().next_event()
        if isinstance(event, h11.Request):
            names = {name.lower() for name, _ in event.headers}
            if {b"content-length", b"transfer-encoding"} <= names or not event.method.isupper():
                raise h11.RemoteProtocolError("refused", error_status_hint=400)
        return event


async def _execute(original: Original, request: Any, *args: Any) -> Any:
    api, stage, _, path, *_ = args
    served = gateway._stages_v1.get(api, {}).get(stage)
    if served and path != "/" and not all(path.split("/")[1:]):
        request["stage"] = served
        return gateway._gw_error("MISSING_AUTHENTICATION_TOKEN", "Missing Authentication Token")
    return await original(request, *args)


@asynccontextmanager
async def _instance() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_PATIENCE_S if _instances.locked() else None):
            await _instances.acquire()
    except TimeoutError:
        async with _further:
            yield
        return
    try:
        yield
    finally:
        _instances.release()


async def _call_lambda(original: Original, function: str, event: Any, **scope: Any) -> Any:
    context = event["requestContext"]
    method = f"{context['stage']}/{context['httpMethod']}{context['resourcePath']}"
    source = (
        f"arn:aws:execute-api:{scope['region']}:{scope['account_id']}:{context['apiId']}/{method}"
    )
    if function.startswith("arn:") and not iam.service_may_invoke(
        "apigateway.amazonaws.com", function, source
    ):
        failure_log.append(function, f"its policy does not let API Gateway invoke it for {source}")
        return None, "Invalid permissions on Lambda function"
    async with _instance():
        result, error = await original(function, event, **scope)
    reply = (result or {}).get("body")
    if error or result.get("error") or result.get("throttle"):
        failure_log.append(function, error or _error_text(reply))
    elif not isinstance(reply, dict) or "statusCode" not in reply:
        failure_log.append(function, "its return value is no response: it has no statusCode")
    else:
        return result, None
    return {"error": True, "body": {}}, None


def _error_text(reply: Any) -> Any:
    if not isinstance(reply, dict) or "errorMessage" not in reply:
        return json.dumps(reply)
    return f"{reply.get('errorType', 'error')}: {reply['errorMessage']}"


async def _invoke_proxy(original: Original, *args: Any, **options: Any) -> Any:
    reply = await original(*args, **options)
    if isinstance(reply, tuple) and reply[0] == 502 and reply[2] == b'{"message": "{}"}':
        return gateway._gw_error("DEFAULT_5XX", "Internal server error")
    return reply


PATCHES = (
    replace(h11, "Connection", _Connection),
    wrap(gateway, "_call_lambda_raw", _call_lambda),
    wrap(gateway, "_execute_in_scope", _execute),
    wrap(gateway, "_invoke_lambda_proxy_v1", _invoke_proxy),
)
