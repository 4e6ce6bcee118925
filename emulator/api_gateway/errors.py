"""What API Gateway refuses, and what it answers where a function fails, as AWS does.

- Only the very path and method of a resource reach it, and no message that says its length twice.
- A function is invoked where its policy lets API Gateway do so.
- A function that fails, is throttled, or returns no response, is the stage's own DEFAULT_5XX; the
  reason goes to a file beside the emulator's other ones.
"""

import asyncio
import json
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import h11
from ministack.core import iam_evaluator
from ministack.services import apigateway_v1 as gateway
from ministack.services import lambda_svc

FAILURES = "failures.log"

# How many requests may be in functions at a time; others wait. Each takes a process with three
# pipes, which on Lambda is somebody else's.
AT_ONCE = 16

_free = asyncio.Semaphore(AT_ONCE)

# pylint: disable=protected-access


class _Connection(h11.Connection):
    """A connection that takes a message of one length only, and methods as they are."""

    def next_event(self) -> Any:
        """Return what came next; raises h11.RemoteProtocolError for what is refused."""
        event = super().next_event()
        if isinstance(event, h11.Request):
            names = {name.lower() for name, _ in event.headers}
            if {b"content-length", b"transfer-encoding"} <= names or not event.method.isupper():
                raise h11.RemoteProtocolError("refused", error_status_hint=400)
        return event


def report(function: str, reason: Any) -> None:
    """Write down why a function failed, or did not run, for `MiniStack.failures`."""
    with Path(tempfile.gettempdir(), FAILURES).open("a", encoding="utf-8") as file:
        file.write(f"{function.split(':function:')[-1]}: {' '.join(str(reason).split())[:1000]}\n")


async def _execute(execute: Callable[..., Any], request: Any, *what: Any) -> Any:
    api, stage, _, path, *_ = what
    served = gateway._stages_v1.get(api, {}).get(stage)
    if served and path != "/" and not all(path.split("/")[1:]):
        request["stage"] = served
        return gateway._gw_error("MISSING_AUTHENTICATION_TOKEN", "Missing Authentication Token")
    return await execute(request, *what)


def _may_invoke(function: str, source: str) -> bool:
    """Return whether a function's policy lets API Gateway invoke it for a method."""
    _, _, _, region, account, *_ = function.split(":")
    record, _, _ = lambda_svc._get_base_func_record_for_ref(function)
    context = iam_evaluator.EvalContext(
        principal_arn="apigateway.amazonaws.com",
        principal_type="Service",
        principal_account="",
        action="lambda:InvokeFunction",
        resource_arn=function,
        region=region,
        service_context={"aws:sourcearn": source, "aws:sourceaccount": account},
    )
    decided = iam_evaluator.evaluate_resource_policy(
        (record or {}).get("policy"), context, "apigateway.amazonaws.com"
    )
    return bool(decided.decision == "Allow")


async def _call(call: Callable[..., Any], function: str, event: Any, **scope: Any) -> Any:
    about = event["requestContext"]
    method = f"{about['apiId']}/{about['stage']}/{about['httpMethod']}{about['resourcePath']}"
    source = f"arn:aws:execute-api:{scope['region']}:{scope['account_id']}:{method}"
    if function.startswith("arn:") and not _may_invoke(function, source):
        report(function, f"its policy does not let API Gateway invoke it for {source}")
        return None, "Invalid permissions on Lambda function"
    async with _free:
        result, error = await call(function, event, **scope)
    reply = (result or {}).get("body")
    if error or result.get("error") or result.get("throttle"):
        report(function, error or _reason(reply))
    elif not isinstance(reply, dict) or "statusCode" not in reply:
        report(function, "what it returned is no response: it has no statusCode")
    else:
        return result, None
    return {"error": True, "body": {}}, None


def _reason(reply: Any) -> Any:
    if not isinstance(reply, dict) or "errorMessage" not in reply:
        return json.dumps(reply)
    return f"{reply.get('errorType', 'error')}: {reply['errorMessage']}"


async def _invoke(invoke: Callable[..., Any], *args: Any, **options: Any) -> Any:
    reply = await invoke(*args, **options)
    if isinstance(reply, tuple) and reply[0] == 502 and reply[2] == b'{"message": "{}"}':
        return gateway._gw_error("DEFAULT_5XX", "Internal server error")
    return reply


def install() -> None:
    """Stand before MiniStack's functions."""
    setattr(h11, "Connection", _Connection)
    before: dict[str, Callable[..., Any]] = {
        "_call_lambda_raw": _call,
        "_execute_in_scope": _execute,
        "_invoke_lambda_proxy_v1": _invoke,
    }
    for name, ours in before.items():
        setattr(gateway, name, partial(ours, getattr(gateway, name)))
