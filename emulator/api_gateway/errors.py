"""Refuses requests and reports failed integrations as API Gateway does.

- A request needs the exact path of a resource.
- A function is invoked only if its policy permits API Gateway to do so.
- A function that fails, is throttled or returns no response leads to the gateway response
  DEFAULT_5XX. The emulator logs the reason.
"""

import json
from typing import Any

from ministack.services import apigateway_v1 as gateway

from emulator import failure_log, iam
from emulator.patching import Original, wrap


async def _execute(original: Original, request: Any, *args: Any) -> Any:
    api, stage, _, path, *_ = args
    served = gateway._stages_v1.get(api, {}).get(stage)
    if served and path != "/" and not all(path.split("/")[1:]):
        request["stage"] = served
        return gateway._gw_error("MISSING_AUTHENTICATION_TOKEN", "Missing Authentication Token")
    return await original(request, *args)


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
    wrap(gateway, "_call_lambda_raw", _call_lambda),
    wrap(gateway, "_execute_in_scope", _execute),
    wrap(gateway, "_invoke_lambda_proxy_v1", _invoke_proxy),
)
