"""Completes MiniStack's authorization of API calls.

- A signer without the permission receives the gateway response ACCESS_DENIED, not an error of AWS.
- API Gateway asks the function of an authorizer only if the function's policy permits it.
- The test issuer of the local run stands for user pools that exist only on AWS.
"""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from ministack import app
from ministack.core import iam_evaluator
from ministack.services import apigateway_v1 as gateway
from ministack.services import cognito

from emulator import failure_log, iam
from emulator.patching import Original, Patch, wrap

_DENIED = "AccessDeniedException"


def _enforce(original: Callable[..., Any], *call: Any, **options: Any) -> Any:
    denied = original(*call, **options)
    api, stage, _, _, headers, query = call
    if denied and denied[1].get("x-amzn-errortype") == _DENIED:
        error = iam_evaluator.AuthError(_DENIED, "")
        return gateway.authentication_error_response(api, stage, error, headers, query) or denied
    return denied


async def _invoke(
    original: Original, authorizer: Any, event: Any, account: str, region: str
) -> Any:
    function = gateway._extract_lambda_ref_from_integration_uri(authorizer["authorizerUri"])
    source = f"{event['methodArn'].partition('/')[0]}/authorizers/{authorizer['id']}"
    if not iam.service_may_invoke("apigateway.amazonaws.com", function, source):
        failure_log.append(function, f"its policy does not let API Gateway invoke it for {source}")
        return None
    result = await original(authorizer, event, account, region)
    body = (result or {}).get("body")
    error = body.get("errorMessage") if isinstance(body, dict) else body
    if (result or {}).get("error") and error != "Unauthorized":
        failure_log.append(function, json.dumps(body))
    return result


async def _jwks_url(original: Original, authorizer: Any, *, issuer: str) -> Any:
    pool = authorizer["jwtConfiguration"]["issuer"].rpartition("/")[2]
    known = any(scope[-1] == pool for scope, _ in cognito._user_pools.all_items())
    return await original(authorizer) if known or not issuer else f"{issuer}/jwks"


def patches(issuer: str) -> tuple[Patch, ...]:
    """Return the patches; `issuer` is the address of the test issuer, or empty."""
    denied = {_DENIED: ("ACCESS_DENIED", _DENIED)}
    return (
        Patch(gateway, "_AUTHENTICATION_GATEWAY_ERRORS", lambda known: known | denied),
        wrap(app, "_enforce_execute_api", _enforce),
        wrap(gateway, "_invoke_authorizer_lambda", _invoke),
        wrap(gateway, "_resolve_jwks_url", partial(_jwks_url, issuer=issuer)),
    )
