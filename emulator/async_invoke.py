"""Retries asynchronous invocations by the settings of the alias that was invoked.

MiniStack ignores such settings. It checks neither that the function's role may send to the failure
destination, nor that the function's policy lets the service invoke it.
"""

import json
from typing import Any

from ministack.core import responses
from ministack.services import eventbridge, lambda_svc, s3, sns

from emulator import failure_log, iam
from emulator.patching import Original, replace, wrap


def _dispatch_to_lambda(arn: str, payload: str) -> None:
    function, config, _ = lambda_svc._get_func_record_for_ref(arn)
    if function and config:
        record = lambda_svc._execution_record_for_config(function, config)
        # The patched function, which finds the alias's settings.
        lambda_svc.invoke_async_with_retry(record, json.loads(payload))


def _invoke_target(
    original: Original, target: dict[str, Any], event: Any, rule: Any, *view: Any
) -> None:
    if ":lambda:" not in target["Arn"] or _may_invoke("events", target["Arn"], rule["Arn"]):
        original(target, event, rule, *view)


def _deliver_notification(
    endpoint: str, envelope: str, topic: str, subscription: str, *_: Any
) -> None:
    if _may_invoke("sns", endpoint, topic):
        source = {"EventVersion": "1.0", "EventSource": "aws:sns"}
        record = {**source, "EventSubscriptionArn": subscription, "Sns": json.loads(envelope)}
        _dispatch_to_lambda(endpoint, json.dumps({"Records": [record]}))


def _may_invoke(service: str, function: str, source: str) -> bool:
    """Check a function's policy; note a refusal for the developer."""
    principal = f"{service}.amazonaws.com"
    allowed = iam.service_may_invoke(principal, function, source)
    if not allowed:
        failure_log.append(function, f"its policy does not let {principal} invoke it for {source}")
    return allowed


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
    if _may_invoke("s3", arn, event["Records"][0]["s3"]["bucket"]["arn"]):
        # The form of an upload names no region in a header.
        with responses.request_scope(arn.split(":")[4], region):
            original(arn, event, region)


PATCHES = (
    wrap(s3, "_deliver_event_to_lambda", _deliver_object),
    replace(eventbridge, "_dispatch_to_lambda", _dispatch_to_lambda),
    wrap(eventbridge, "_invoke_target", _invoke_target),
    replace(sns, "_deliver_to_lambda", _deliver_notification),
    wrap(lambda_svc, "invoke_async_with_retry", _invoke_with_retry),
    wrap(lambda_svc, "_put_event_invoke_config", _put_invoke_config),
)
