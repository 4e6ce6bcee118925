"""Lambda's entry point: turns an API Gateway event to a Request, an Answer to a response."""

import json
import os
import time
from collections.abc import Mapping
from typing import Any

from function import storage, telemetry
from function.contract import Answer, Request
from function.endpoints import declared

_ROUTES = {endpoint.route: endpoint for endpoint in declared()}

if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    storage.warm()


def _request(event: Mapping[str, Any]) -> Request:
    context = event.get("requestContext") or {}
    identity = context.get("identity") or {}
    return Request(
        ip=identity.get("sourceIp") or "",
        api_key_id=identity.get("apiKeyId") or "",
        request_id=context.get("requestId") or "",
        headers={k.lower(): v for k, v in (event.get("headers") or {}).items()},
        path_parameters=event.get("pathParameters") or {},
        query=event.get("queryStringParameters") or {},
    )


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Answer one API Gateway proxy event."""
    started = time.perf_counter()
    route = f"{event.get('httpMethod')} {event.get('resource')}"
    request = _request(event)
    notes: dict[str, str | bool] = {}
    with telemetry.trace(route, notes):
        answer: Answer = _ROUTES[route].handle(request)
        notes.update(answer.notes)
    telemetry.log_request(
        {
            "route": route,
            "status": answer.status,
            "requestId": context.aws_request_id,
            "apiRequestId": request.request_id,
            "apiKeyId": request.api_key_id,
            "traceId": os.environ.get("_X_AMZN_TRACE_ID", "").partition(";")[0],
            "latencyMs": round((time.perf_counter() - started) * 1000, 3),
            **notes,
        }
    )
    return {
        "statusCode": answer.status,
        "headers": {"Content-Type": "application/json", **answer.headers},
        "body": json.dumps(answer.body),
    }
