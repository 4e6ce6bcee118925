"""Event source mappings as AWS has them: who may make one, and what happens to a stream's failures.

MiniStack asks nobody whether the function's role may read the source, and of a failing stream it
repeats the same batch for ever. Here the role is asked when a mapping is made and at each poll, and
a batch is retried, halved and given up as the mapping says.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ministack.core import responses
from ministack.services import dynamodb, lambda_svc, sqs

from emulator.api_gateway.errors import report
from emulator.scheduler import function_may, refuse

# pylint: disable=protected-access
_create = lambda_svc._create_esm
_every = lambda_svc._iter_all_esms

_READS = {"sqs": "sqs:ReceiveMessage", "dynamodb": "dynamodb:GetRecords"}

# What Lambda does in the role's name at each poll.
_POLLS = {
    "sqs": ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
    "dynamodb": ("dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"),
}

# By mapping: what its role was last found to lack.
_lacks: dict[str, list[str]] = {}

# By mapping: how many records are read at once after halving, and how often those have failed.
_sizes: dict[str, int] = {}
_failures: dict[str, int] = {}


def _make(data: dict[str, Any]) -> Any:
    """Make a mapping, if the function's role may do what Lambda then does in its name."""
    function, source = data.get("FunctionName", ""), data.get("EventSourceArn", "")
    service = (source.split(":") + [""] * 3)[2]
    needed = [(_READS[service], source)] if service in _READS else []
    if target := data.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"):
        needed.append(("sqs:SendMessage", target))
    for action, resource in needed:
        if not function_may(function, action, resource):
            return refuse(
                "The provided execution role does not have permissions to call "
                f"{action.split(':')[1]} on {resource}"
            )
    if service == "sqs" and (hidden := _hidden_too_short(function, source)):
        return refuse(hidden)
    if service == "dynamodb":
        data.setdefault("BatchSize", 100)
    return _create(data)


def _hidden_too_short(function: str, source: str) -> str:
    record, _, _ = lambda_svc._get_base_func_record_for_ref(function)
    queue, timeout = sqs._queue_by_arn(source), ((record or {}).get("config") or {}).get("Timeout")
    hidden = int(queue["attributes"]["VisibilityTimeout"]) if queue else 0
    if queue and timeout and hidden < timeout:
        return (
            f"Queue visibility timeout: {hidden} seconds is less than Function timeout: "
            f"{timeout} seconds"
        )
    return ""


def _readable() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Return the mappings whose function's role may poll the source, with account and region."""
    for account, region, mapping in _every():
        source, identity = mapping["EventSourceArn"], mapping["UUID"]
        in_scope = responses._request_account_id.set(account), responses._request_region.set(region)
        lacks = [
            action
            for action in _POLLS.get(source.split(":")[2], ())
            if not function_may(mapping["FunctionArn"], action, source)
        ]
        responses._request_account_id.reset(in_scope[0])
        responses._request_region.reset(in_scope[1])
        if lacks and lacks != _lacks.get(identity):
            report(mapping["FunctionArn"], f"its role may not {', '.join(lacks)} on {source}")
        _lacks[identity] = lacks
        if not lacks:
            yield account, region, mapping


def _poll() -> bool:
    """Start a batch of each stream that has one; return whether any did."""
    started = False
    for account, region, mapping in _readable():
        in_scope = responses._request_account_id.set(account), responses._request_region.set(region)
        try:
            started = _start(mapping) or started
        finally:
            responses._request_account_id.reset(in_scope[0])
            responses._request_region.reset(in_scope[1])
    return started


def _start(mapping: Mapping[str, Any]) -> bool:
    """Hand the next batch of a stream to its function, unless one is under way."""
    identity, source = mapping["UUID"], mapping["EventSourceArn"]
    idle = not lambda_svc._esm_inflight.get(identity)
    paused = lambda_svc._esm_backoff_until.get(identity, 0) > lambda_svc.time.time()
    if ":dynamodb:" not in source or not mapping.get("Enabled", True) or not idle or paused:
        return False
    function, _ = lambda_svc._get_func_record_for_qualifier(
        mapping["FunctionName"], mapping.get("Qualifier")
    )
    table = source.split("/")[1]
    if not function or table not in dynamodb._tables:
        return False
    lambda_svc._init_stream_position(identity, source, mapping["StartingPosition"])
    position = max(
        lambda_svc._dynamodb_stream_positions[identity], dynamodb.stream_start_position(table)
    )
    records = dynamodb.stream_records_since(
        table, position, _sizes.get(identity, mapping["BatchSize"])
    )
    if records:
        lambda_svc._dispatch_esm_batch(identity, _handle, mapping, function, records, position)
    return bool(records)


def _handle(
    mapping: dict[str, Any], function: dict[str, Any], records: list[Any], position: int
) -> None:
    identity = mapping["UUID"]
    matching = lambda_svc._apply_filter_criteria(records, mapping)
    result = lambda_svc._execute_function(function, {"Records": matching}) if matching else {}
    failed = _first_failure(mapping, result, records)
    if failed is None:
        _go_on(identity, position + len(records))
    elif failed > 0:
        _go_on(identity, position + failed)  # what came before it is done
    elif mapping.get("BisectBatchOnFunctionError") and len(records) > 1:
        _sizes[identity] = len(records) // 2  # which does not count as a try
    else:
        _failures[identity] = tries = _failures.get(identity, 0) + 1
        most = mapping.get("MaximumRetryAttempts", -1)
        if 0 <= most < tries:
            lambda_svc._send_ddb_stream_failure_record(
                mapping,
                function,
                records,
                mapping["EventSourceArn"],
                result,
                "RetryAttemptsExhausted",
            )
            _go_on(identity, position + len(records))
        else:
            pause = lambda_svc.time.time() + lambda_svc._ESM_BACKOFF_SECONDS
            lambda_svc._esm_backoff_until[identity] = pause


def _first_failure(
    mapping: Mapping[str, Any], result: Mapping[str, Any], records: list[Any]
) -> int | None:
    """Return the place of the first record that is to come again."""
    if result.get("error"):
        return 0
    body = result.get("body")
    if "ReportBatchItemFailures" not in mapping["FunctionResponseTypes"] or not body:
        return None
    failed = [item.get("itemIdentifier") for item in body.get("batchItemFailures") or []]
    places = [i for i, one in enumerate(records) if one["dynamodb"]["SequenceNumber"] in failed]
    # An answer that names none of the batch's is a failure of all of it.
    return min(places, default=0) if failed else None


def _go_on(identity: str, position: int) -> None:
    lambda_svc._dynamodb_stream_positions[identity] = position
    _sizes.pop(identity, None)
    _failures.pop(identity, None)


def install() -> None:
    """Take the place of MiniStack's functions; before the emulator starts."""
    for name, own in (
        ("_create_esm", _make),
        ("_iter_all_esms", _readable),
        ("_poll_dynamodb_streams", _poll),
    ):
        setattr(lambda_svc, name, own)
