"""Retries asynchronous invocations by the settings of the alias that was invoked.

MiniStack ignores such settings, and does not check that the function's role may send to the
failure destination.
"""

import json
from typing import Any

from ministack.core import responses
from ministack.services import eventbridge, lambda_svc, s3

from emulator import failure_log, iam
from emulator.patching import Original, replace, wrap


def _dispatch_to_lambda(arn: str, payload: str) -> None:
    function, config, _ = lambda_svc._get_func_record_for_ref(arn)
    if function and config:
        record = lambda_svc._execution_record_for_config(function, config)
        # The patched function, which finds the alias's settings.
        lambda_svc.invoke_async_with_retry(record, json.loads(payload))


def _invoke_with_retry(original: Original, function: dict[str, Any], event: Any) -> None:
    """Invoke a version of a function with the settings of the alias that points to it."""
    config = function.get("config") or function
    base, _, _ = lambda_svc._get_base_func_record_for_ref(config["FunctionName"])
    configs = base["event_invoke_configs"]
    for name, alias in base["aliases"].items():
        if alias["FunctionVersion"] == config["Version"] and name in configs:
            function = {**function, "event_invoke_config": configs[name]}
    original(function, event)


def _put_invoke_config(
    original: Original, function: str, qualifier: str | None, data: dict[str, Any]
) -> Any:
    target = data.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    if target and not iam.function_may(function, "sqs:SendMessage", target):
        return lambda_svc._invalid_parameter_value(
            "The function's execution role does not have permissions to call SendMessage on "
            f"{target}"
        )
    return original(function, qualifier, data)


def _deliver_object(original: Original, arn: str, event: Any, region: str) -> None:
    """Invoke a function for a bucket's event if the policy of its alias permits S3 to do so."""
    bucket = event["Records"][0]["s3"]["bucket"]["arn"]
    if not iam.service_may_invoke("s3.amazonaws.com", arn, bucket):
        failure_log.append(arn, f"its policy does not let S3 invoke it for {bucket}")
        return
    # The form of an upload names no region in a header.
    with responses.request_scope(arn.split(":")[4], region):
        original(arn, event, region)


PATCHES = (
    wrap(s3, "_deliver_event_to_lambda", _deliver_object),
    replace(eventbridge, "_dispatch_to_lambda", _dispatch_to_lambda),
    wrap(lambda_svc, "invoke_async_with_retry", _invoke_with_retry),
    wrap(lambda_svc, "_put_event_invoke_config", _put_invoke_config),
)
