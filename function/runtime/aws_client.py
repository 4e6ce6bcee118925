"""Calls AWS, with time limits, one connection pool and 503 for what may pass.

The declarations of the endpoints import it, so what only a call needs is imported by the call.
"""

import os
import zlib
from collections.abc import Mapping
from contextlib import suppress
from functools import cache, partial
from typing import Any

from function.declare import limits
from function.declare.problem import Problem

# DynamoDB's answers that say "not now", as nothing was written; 5xx ones and 429 say so too.
_RETRYABLE_CODES = frozenset(
    {
        *("InternalServerError", "LimitExceededException"),
        *("ProvisionedThroughputExceededException", "ReplicatedWriteConflictException"),
        *("RequestLimitExceeded", "ThrottlingException", "TransactionConflictException"),
        "TransactionInProgressException",
    }
)
# Why a transaction was cancelled, where that says so.
_RETRYABLE_REASONS = frozenset(
    {"None", "ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict"}
)
# The credentials of an instance that lived longer than they.
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException"})


@cache
def _client(service: str, read_s: float = 0) -> Any:
    """Return the process's client of a service: what `boto3.client` returns, without its detour.

    boto3 would only add its resources and S3 transfers, for 40 ms of a cold start.
    """
    import botocore.session  # pylint: disable=import-outside-toplevel
    from botocore.config import Config  # pylint: disable=import-outside-toplevel

    from function.runtime import http_transport  # pylint: disable=import-outside-toplevel

    client = botocore.session.get_session().create_client(
        service,
        config=Config(
            connect_timeout=limits.CONNECT_TIMEOUT_S,
            read_timeout=read_s or limits.READ_TIMEOUT_S,
            retries={"mode": "standard", "total_max_attempts": limits.ATTEMPTS},
            # Both cost a tenth of a call: naming the SDK's features for each, and validating what
            # the service validates, too.
            user_agent=f"Botocore/{botocore.__version__}",
            parameter_validation=False,
        ),
    )
    http_transport.install(client)
    client.meta.events.register("before-parse.dynamodb", _verify_crc32)
    return client


def _session(client: Any) -> Any:
    """Return botocore's own HTTP session: no other way leads to a client's connections."""
    return client._endpoint.http_session  # pylint: disable=protected-access


def _verify_crc32(response_dict: Mapping[str, Any], **_: Any) -> None:
    """Raise ChecksumError for a success that is not DynamoDB's: it sends a checksum with each."""
    from botocore.exceptions import ChecksumError  # pylint: disable=import-outside-toplevel

    if response_dict["status_code"] < 300:
        sent = response_dict["headers"].get("x-amz-crc32", "none")
        body = response_dict["body"]
        if sent != str(zlib.crc32(body)) or not body:
            raise ChecksumError(
                checksum_type="crc32", expected_checksum=sent, actual_checksum=zlib.crc32(body)
            )


class _StopBeforeSend(Exception):
    """A call went as far as a rehearsal goes."""


def warm_up() -> None:
    """Build the client, and go through a call up to where it would be sent, so that the first one
    finds all loaded and a connection open; whatever comes of it, the call will tell.

    Called while the process starts, when Lambda lends a full CPU. A snapshot would keep a
    connection that is long dead when it is restored, so there none is opened.
    """
    from botocore.awsrequest import AWSRequest  # pylint: disable=import-outside-toplevel

    from function.runtime import deadline  # pylint: disable=import-outside-toplevel

    client = _client("dynamodb")

    def rehearse(request: Any, **_: Any) -> None:
        if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") != "snap-start":
            # DynamoDB answers GET with "healthy".
            _session(client).send(AWSRequest("GET", request.url).prepare())
        raise _StopBeforeSend

    event = "before-send.dynamodb.PutItem"
    client.meta.events.register(event, rehearse)
    with suppress(Exception):
        deadline.call_with_deadline(
            limits.READ_TIMEOUT_S, partial(client.put_item, TableName="rehearsal", Item={})
        )
    client.meta.events.unregister(event, rehearse)


class ConditionFailed(Exception):
    """A write's condition does not hold.

    `item` is what is stored, where ReturnValuesOnConditionCheckFailure asked for it; `may_be_own_write`
    says that an attempt before, whose answer was lost, may have written it.
    """

    def __init__(self, answer: Mapping[str, Any]) -> None:
        super().__init__("the condition of a write does not hold")
        self.item: Mapping[str, Any] = answer.get("Item", {})
        self.may_be_own_write = answer["ResponseMetadata"].get("RetryAttempts", 0) > 0


def service_unavailable() -> Problem:
    """Return the 503 for what storage may take a moment later."""
    return Problem(
        503,
        "The service cannot handle the request at the moment. Retry later.",
        headers={"Retry-After": "1"},
    )


def _is_retryable(answer: Mapping[str, Any]) -> bool:
    """Return whether a refusal is one of the moment."""
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = answer["Error"]["Code"]
    if code in _EXPIRED:
        _client.cache_clear()  # the next call reads its credentials anew
        return True
    if code == "TransactionCanceledException":
        reasons = {reason.get("Code") for reason in answer.get("CancellationReasons", [])}
        return bool(reasons) and reasons <= _RETRYABLE_REASONS
    # botocore names a refusal by its status where the body does not, which DynamoDB's always does.
    unreadable = code == str(status)
    return status >= 500 or status == 429 or unreadable or code in _RETRYABLE_CODES


def send(
    service: str,
    operation: str,
    about: Mapping[str, str],
    request: Mapping[str, Any],
    read_s: float = 0,
) -> dict[str, Any]:
    """Call an operation of a service's boto3 client, `about` being told to the trace.

    Where an answer may take longer than DynamoDB's, `read_s` is how long each attempt waits for it.
    Raises as `call` does.
    """
    from botocore.exceptions import (  # pylint: disable=import-outside-toplevel
        BotoCoreError,
        ClientError,
    )

    from function.runtime import deadline, telemetry  # pylint: disable=import-outside-toplevel

    client = _client(service, read_s) if read_s else _client(service)
    try:
        with telemetry.aws_call(
            client.meta.service_model.service_id,
            operation=operation.title().replace("_", ""),
            **about,
        ):
            response: dict[str, Any] = deadline.call_with_deadline(
                limits.call_deadline_s(read_s), partial(getattr(client, operation), **request)
            )
            return response
    except ClientError as error:
        if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            raise ConditionFailed(error.response) from error
        if not _is_retryable(error.response):
            raise
        raise service_unavailable() from error
    except (BotoCoreError, deadline.DeadlineExceeded) as error:
        raise service_unavailable() from error
