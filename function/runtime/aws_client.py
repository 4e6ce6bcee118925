"""Calls AWS, with deadlines, one client per service, and 503 for temporary errors.

The endpoints' modules import this one, so each function imports the modules that only it needs.
"""

import os
import re
import threading
import zlib
from collections.abc import Mapping
from contextlib import suppress
from functools import cache, partial
from typing import Any

from function.declare import limits
from function.declare.problem import Problem
from function.runtime.lean_imports import import_botocore

# The error codes that are safe to retry: the service did nothing. Status 429 and 5xx are too. The
# last lines are those of other services than DynamoDB.
_RETRYABLE_CODES = frozenset(
    {
        *("InternalServerError", "LimitExceededException"),
        *("ProvisionedThroughputExceededException", "ReplicatedWriteConflictException"),
        *("RequestLimitExceeded", "ThrottlingException", "TransactionConflictException"),
        "TransactionInProgressException",
        *("BandwidthLimitExceeded", "EC2ThrottledException", "PriorRequestNotComplete"),
        *("RequestThrottled", "RequestThrottledException", "RequestTimeout"),
        *("RequestTimeoutException", "SlowDown", "ThrottledException", "Throttling"),
    }
)
# The same for the reasons of a cancelled transaction and for statements of a batch.
_RETRYABLE_REASONS = frozenset(
    {
        *("InternalServerError", "None", "ProvisionedThroughputExceeded", "RequestLimitExceeded"),
        *("ThrottlingError", "TransactionConflict"),
    }
)
_CONDITION_CODES = ("ConditionalCheckFailed", "DuplicateItem")  # or these with "Exception"
# The starts of details for data that DynamoDB cannot store or find, by its messages. Its other
# validation errors are mistakes of the code.
_DATA_FAULTS = {
    r"Item size (to update )?has exceeded": "An item is larger than 400 KB",
    r"hash ?keys? has exceeded|Size limit exceeded": "A key is longer than 2,048 bytes",
    r"range keys has exceeded": "A key is longer than 1,024 bytes",
    r"cannot contain an empty|set +may not be empty": "A key or a set is empty",
    r"contains duplicates": "A set repeats a member",
    r"Number (over|under)flow|38 significant|to a numeric value": "A number is out of range",
    r"starting key|Exclusive Start Key": "The start of the page is not valid",
    r"upper bound to be greater": "The end of a range is before its start",
    r"Nesting Levels have exceeded": "The data has more than 32 levels",
}
# For an execution environment that outlives its credentials.
_EXPIRED_CODES = frozenset({"ExpiredToken", "ExpiredTokenException"})


@cache
def _client(service: str, read_timeout_s: float = 0) -> Any:
    """Return the process's client of a service, as `boto3.client` does, but without boto3.

    boto3 would add only resources and S3 transfers, for 40 ms of a cold start.
    """
    # A new thread has a new stack, on which no call crosses the border of a chunk again and again:
    # that may take 25 ms of an import (docs/performance.md).
    importing = threading.Thread(target=import_botocore)
    importing.start()
    importing.join()
    import botocore.session
    from botocore.config import Config

    from function.runtime import http_transport

    client = botocore.session.get_session().create_client(
        service,
        config=Config(
            connect_timeout=limits.CONNECT_TIMEOUT_S,
            read_timeout=read_timeout_s or limits.READ_TIMEOUT_S,
            retries={"mode": "standard", "total_max_attempts": limits.ATTEMPTS},
            # The full user agent and the validation, which the service repeats, take a tenth of
            # a call.
            user_agent=f"Botocore/{botocore.__version__}",
            parameter_validation=False,
            # Else botocore presigns S3's URLs with version 2 where the region allows it.
            signature_version="s3v4" if service == "s3" else None,
            # Else the URL names no region, and S3 redirects a new bucket's for a day.
            s3={"addressing_style": "virtual"} if service == "s3" else None,
        ),
    )
    http_transport.install(client)
    client.meta.events.register("before-parse.dynamodb", _verify_crc32)
    return client


def _verify_crc32(response_dict: Mapping[str, Any], **_: Any) -> None:
    """Raise ChecksumError for a success without the checksum that DynamoDB sends with each."""
    from botocore.exceptions import ChecksumError

    if response_dict["status_code"] < 300:
        sent = response_dict["headers"].get("x-amz-crc32", "none")
        body = response_dict["body"]
        if sent != str(zlib.crc32(body)) or not body:
            raise ChecksumError(
                checksum_type="crc32", expected_checksum=sent, actual_checksum=zlib.crc32(body)
            )


def resource(declared: Any) -> str:
    """Return the name, URL or ARN of a declared resource; raise LookupError without permission."""
    if declared.env_var not in os.environ:
        raise LookupError(
            f"{declared.env_var} is missing: name {declared.name!r} in the permissions of an "
            "endpoint, a job or an authorizer"
        )
    return os.environ[declared.env_var]


class _StopBeforeSend(Exception):
    """Ends the call of `warm_up` before it reaches the network."""


def warm_up() -> None:
    """Build DynamoDB's client and prepare a call without sending it; ignore any error.

    Call this while the process starts: Lambda then gives it a full CPU. The first request finds
    all modules loaded and a connection open. Under SnapStart no connection is opened, because it
    would be dead when Lambda restores the snapshot.
    """
    from function.runtime import deadline

    client = _client("dynamodb")
    from botocore.awsrequest import AWSRequest

    def connect_and_stop(request: Any, **_: Any) -> None:
        if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") != "snap-start":
            # botocore has no public way to its connections. DynamoDB answers a GET with "healthy".
            session = client._endpoint.http_session
            session.send(AWSRequest("GET", request.url).prepare())
        raise _StopBeforeSend

    event = "before-send.dynamodb.PutItem"
    client.meta.events.register(event, connect_and_stop)
    with suppress(Exception):
        deadline.call_with_deadline(
            limits.READ_TIMEOUT_S, partial(client.put_item, TableName="warm-up", Item={})
        )
    client.meta.events.unregister(event, connect_and_stop)


class TransactionCanceled(Exception):
    """DynamoDB cancelled a transaction, and would cancel it again.

    `reasons` has a mapping for each item of the request, in their order. Its `Code` is "None" for
    an item without fault, or "ConditionalCheckFailed" for example. `Item` is the stored item, if
    the request's item sets ReturnValuesOnConditionCheckFailure.
    """

    def __init__(self, response: Mapping[str, Any]) -> None:
        super().__init__(response["Error"].get("Message", ""))
        self.reasons: tuple[Mapping[str, Any], ...] = tuple(response.get("CancellationReasons", ()))


class ConditionFailed(TransactionCanceled):
    """A condition of a write does not hold. A single write has no `reasons`.

    `item` is the stored item if the call set ReturnValuesOnConditionCheckFailure, else empty.
    `may_be_own_write` is true if an earlier attempt of the call, whose response was lost, may have
    written it.
    """

    def __init__(self, response: Mapping[str, Any]) -> None:
        super().__init__(response)
        self.item: Mapping[str, Any] = response.get("Item", {})
        self.may_be_own_write = response["ResponseMetadata"].get("RetryAttempts", 0) > 0


def service_unavailable(reason: str = "") -> Problem:
    """Return the 503 for a temporary error of AWS; the log line gets the reason."""
    if reason:
        from function.runtime import telemetry

        telemetry.set_aws_error(reason)
    return Problem(
        503,
        "The service cannot handle the request at the moment. Retry later.",
        headers={"Retry-After": "1"},
    )


def _data_error(response: Mapping[str, Any]) -> Exception | None:
    """Return the error for a condition that does not hold, or for data that cannot be stored."""
    errors = [response["Error"], *response.get("CancellationReasons", ())]
    for error in errors:
        if str(error.get("Code")).removesuffix("Exception") in _CONDITION_CODES:
            return ConditionFailed({"Item": error.get("Item", {}), **response})
    if response["ResponseMetadata"].get("HTTPStatusCode") == 413:
        return Problem(413, "The request is too large to store.")
    text = "".join(str(error.get("Message")) for error in errors if "Valid" in error["Code"])
    for number, pattern in enumerate(_DATA_FAULTS):
        if re.search(pattern, text):
            return Problem(400 if number else 413, f"{_DATA_FAULTS[pattern]}.")
    return None


def _is_retryable(service: str, response: Mapping[str, Any]) -> bool:
    """Test whether a retry of the call may succeed after this error response."""
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = response["Error"]["Code"]
    if code in _EXPIRED_CODES:
        _client.cache_clear()  # the next call reads new credentials
        return True
    if code == "TransactionCanceledException":
        reasons = {reason.get("Code") for reason in response.get("CancellationReasons", [])}
        return bool(reasons) and reasons <= _RETRYABLE_REASONS
    # DynamoDB's body always names a code. Without one, botocore takes the status as the code, as it
    # does for S3's HEAD.
    unreadable = service == "dynamodb" and code == str(status)
    return status >= 500 or status == 429 or unreadable or code in _RETRYABLE_CODES


def raise_first_error(response: Mapping[str, Any]) -> None:
    """Raise the error of the first failed statement of a BatchExecuteStatement, as `send` does."""
    from botocore.exceptions import ClientError

    for error in (one["Error"] for one in response["Responses"] if "Error" in one):
        known = {**response, "Error": error, "Item": error.get("Item", {})}
        if data_error := _data_error(known):
            raise data_error
        if error["Code"] in _RETRYABLE_REASONS:
            raise service_unavailable(f"{error['Code']}: {error.get('Message', '')}")
        raise ClientError(known, "BatchExecuteStatement")


def send(
    service: str,
    operation: str,
    trace_fields: Mapping[str, str],
    request: Mapping[str, Any],
    read_timeout_s: float = 0,
) -> dict[str, Any]:
    """Call an operation of a service's boto3 client and return its response.

    The trace shows `trace_fields` with the call. `read_timeout_s` is each attempt's wait for a
    response, if it may exceed READ_TIMEOUT_S. Raises Problem with 503 for an error that can pass,
    Problem with 400 or 413 for data that DynamoDB cannot store, ConditionFailed,
    TransactionCanceled, or botocore's error for any other one.
    """
    from botocore import exceptions

    from function.runtime import deadline, telemetry

    client = _client(service, read_timeout_s) if read_timeout_s else _client(service)
    try:
        with telemetry.aws_call(
            client.meta.service_model.service_id,
            operation=operation.title().replace("_", ""),
            **trace_fields,
        ):
            response: dict[str, Any] = deadline.call_with_deadline(
                limits.call_deadline_s(read_timeout_s),
                partial(getattr(client, operation), **request),
            )
            return response
    except exceptions.ClientError as error:
        if data_error := _data_error(error.response):
            raise data_error from error
        if _is_retryable(service, error.response):
            raise service_unavailable() from error
        if error.response.get("CancellationReasons"):
            raise TransactionCanceled(error.response) from error
        raise
    except (
        # The errors of a connection, of a response and of a source of credentials. All others of
        # botocore would come again: a wrong argument, a missing region.
        exceptions.ConnectionError,
        exceptions.HTTPClientError,
        exceptions.ChecksumError,
        exceptions.IncompleteReadError,
        exceptions.CredentialRetrievalError,
        exceptions.MetadataRetrievalError,
        deadline.DeadlineExceeded,
    ) as error:
        cause = getattr(error, "kwargs", {}).get("error")
        if isinstance(cause, (TypeError, ValueError)) and not isinstance(cause, OSError):
            raise  # a request that cannot be written, such as a header that is not Latin-1
        raise service_unavailable() from error


def presign(service: str, operation: str, **arguments: Any) -> Any:
    """Call an operation of a service's client that signs a request and sends none."""
    return getattr(_client(service), operation)(**arguments)
