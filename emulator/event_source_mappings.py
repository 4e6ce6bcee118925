"""Polls queues and streams with the rights of the function's role, and gives up failing batches.

MiniStack does not check the role, and repeats a failing batch of a stream forever. Here the role
needs its rights when a mapping is created and at each poll. A failing batch is retried, bisected
and given up by the settings of the mapping.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ministack.core import responses
from ministack.services import dynamodb, lambda_svc, sqs

from emulator import failure_log, iam
from emulator.patching import Original, replace, wrap

# Lambda calls these on the source as the function's role. AWS checks the first at creation.
_POLL_ACTIONS = {
    "sqs": ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
    "dynamodb": ("dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"),
}

# By mapping: the actions that its role lacked at the last poll.
_missing_actions: dict[str, list[str]] = {}

# By mapping: the batch size after bisecting, and the failed tries of a batch of that size.
_batch_sizes: dict[str, int] = {}
_failed_tries: dict[str, int] = {}


def _create_mapping(original: Original, data: dict[str, Any]) -> Any:
    function, source = data.get("FunctionName", ""), data.get("EventSourceArn", "")
    service = (source.split(":") + [""] * 3)[2]
    needed = [(_POLL_ACTIONS[service][0], source)] if service in _POLL_ACTIONS else []
    if target := data.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"):
        needed.append(("sqs:SendMessage", target))
    for action, resource in needed:
        if not iam.function_may(function, action, resource):
            return lambda_svc._invalid_parameter_value(
                "The provided execution role does not have permissions to call "
                f"{action.split(':')[1]} on {resource}"
            )
    if service == "sqs" and (error := _visibility_timeout_error(function, source)):
        return lambda_svc._invalid_parameter_value(error)
    if service == "dynamodb":
        data.setdefault("BatchSize", 100)
    return original(data)


def _visibility_timeout_error(function: str, source: str) -> str:
    record, _, _ = lambda_svc._get_base_func_record_for_ref(function)
    queue, timeout = sqs._queue_by_arn(source), ((record or {}).get("config") or {}).get("Timeout")
    visibility = int(queue["attributes"]["VisibilityTimeout"]) if queue else 0
    if queue and timeout and visibility < timeout:
        return (
            f"Queue visibility timeout: {visibility} seconds is less than Function timeout: "
            f"{timeout} seconds"
        )
    return ""


@contextmanager
def _scope(account: str, region: str) -> Iterator[None]:
    tokens = responses._request_account_id.set(account), responses._request_region.set(region)
    try:
        yield
    finally:
        responses._request_account_id.reset(tokens[0])
        responses._request_region.reset(tokens[1])


def _pollable_mappings(original: Callable[[], Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield account, region and mapping, if the function's role may poll the source."""
    for account, region, mapping in original():
        source, mapping_id = mapping["EventSourceArn"], mapping["UUID"]
        with _scope(account, region):
            missing = [
                action
                for action in _POLL_ACTIONS.get(source.split(":")[2], ())
                if not iam.function_may(mapping["FunctionArn"], action, source)
            ]
        if missing and missing != _missing_actions.get(mapping_id):
            reason = f"its role may not {', '.join(missing)} on {source}"
            failure_log.append(mapping["FunctionArn"], reason)
        _missing_actions[mapping_id] = missing
        if not missing:
            yield account, region, mapping


def _poll_streams() -> bool:
    """Start the next batch of each stream; return True if a batch started."""
    started = False
    for account, region, mapping in lambda_svc._iter_all_esms():
        with _scope(account, region):
            started = _start_batch(mapping) or started
    return started


def _start_batch(mapping: Mapping[str, Any]) -> bool:
    """Pass a stream's next records to the function, unless a batch is in progress."""
    mapping_id, source = mapping["UUID"], mapping["EventSourceArn"]
    idle = not lambda_svc._esm_inflight.get(mapping_id)
    paused = lambda_svc._esm_backoff_until.get(mapping_id, 0) > lambda_svc.time.time()
    if ":dynamodb:" not in source or not mapping.get("Enabled", True) or not idle or paused:
        return False
    function, _ = lambda_svc._get_func_record_for_qualifier(
        mapping["FunctionName"], mapping.get("Qualifier")
    )
    table = source.split("/")[1]
    if not function or table not in dynamodb._tables:
        return False
    lambda_svc._init_stream_position(mapping_id, source, mapping["StartingPosition"])
    position = max(
        lambda_svc._dynamodb_stream_positions[mapping_id], dynamodb.stream_start_position(table)
    )
    records = dynamodb.stream_records_since(
        table, position, _batch_sizes.get(mapping_id, mapping["BatchSize"])
    )
    if records:
        lambda_svc._dispatch_esm_batch(
            mapping_id, _process_batch, mapping, function, records, position
        )
    return bool(records)


def _process_batch(
    mapping: dict[str, Any], function: dict[str, Any], records: list[Any], position: int
) -> None:
    """Invoke the function with a batch, then advance, bisect, retry or give up the batch."""
    mapping_id = mapping["UUID"]
    matching = lambda_svc._apply_filter_criteria(records, mapping)
    result = lambda_svc._execute_function(function, {"Records": matching}) if matching else {}
    failed = _first_failure(mapping, result, records)
    if failed is None:
        _advance(mapping_id, position + len(records))
    elif failed > 0:
        _advance(mapping_id, position + failed)  # the records before it succeeded
    elif mapping.get("BisectBatchOnFunctionError") and len(records) > 1:
        _batch_sizes[mapping_id] = len(records) // 2  # AWS does not count this as a retry
    else:
        _failed_tries[mapping_id] = tries = _failed_tries.get(mapping_id, 0) + 1
        max_retries = mapping.get("MaximumRetryAttempts", -1)
        if 0 <= max_retries < tries:
            lambda_svc._send_ddb_stream_failure_record(
                mapping,
                function,
                records,
                mapping["EventSourceArn"],
                result,
                "RetryAttemptsExhausted",
            )
            _advance(mapping_id, position + len(records))
        else:
            pause_end = lambda_svc.time.time() + lambda_svc._ESM_BACKOFF_SECONDS
            lambda_svc._esm_backoff_until[mapping_id] = pause_end


def _first_failure(
    mapping: Mapping[str, Any], result: Mapping[str, Any], records: list[Any]
) -> int | None:
    """Return the index of the first record to retry, or None if all records succeeded."""
    if result.get("error"):
        return 0
    body = result.get("body")
    if "ReportBatchItemFailures" not in mapping["FunctionResponseTypes"] or not body:
        return None
    failed = [item.get("itemIdentifier") for item in body.get("batchItemFailures") or []]
    indexes = [i for i, one in enumerate(records) if one["dynamodb"]["SequenceNumber"] in failed]
    # If the response names no record of the batch, the whole batch failed.
    return min(indexes, default=0) if failed else None


def _advance(mapping_id: str, position: int) -> None:
    lambda_svc._dynamodb_stream_positions[mapping_id] = position
    _batch_sizes.pop(mapping_id, None)
    _failed_tries.pop(mapping_id, None)


PATCHES = (
    wrap(lambda_svc, "_create_esm", _create_mapping),
    wrap(lambda_svc, "_iter_all_esms", _pollable_mappings),
    replace(lambda_svc, "_poll_dynamodb_streams", _poll_streams),
)
