"""The data layer: the one module that talks to DynamoDB."""

import os
from dataclasses import dataclass
from functools import cache
from typing import Any

from function import telemetry
from function.contract import Problem
from function.tables import EPOCHS

SECONDS_PER_DAY = 86_400

# DynamoDB's answers that say "not now"; 5xx ones say so too.
_NOT_NOW = frozenset(
    {
        *("LimitExceededException", "ProvisionedThroughputExceededException"),
        *("RequestLimitExceeded", "ThrottlingException", "TransactionInProgressException"),
    }
)


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """One record. `epoch` is Unix seconds: a double holds microseconds exactly until 2255."""

    key: str
    epoch: float
    ip: str


@cache
def _client() -> Any:
    """Return the process's DynamoDB client; boto3 is imported only when it is needed."""
    import boto3  # pylint: disable=import-outside-toplevel
    from botocore.config import Config  # pylint: disable=import-outside-toplevel

    return boto3.client(
        "dynamodb",
        config=Config(
            connect_timeout=1,
            read_timeout=2,
            retries={"mode": "standard", "total_max_attempts": 2},
        ),
    )


def warm() -> None:
    """Build the client. Called while the process starts, when Lambda lends a full CPU."""
    _client()


def unavailable() -> Problem:
    """Return the problem of a storage that cannot answer now; nothing is half-written."""
    return Problem(
        503,
        "The storage cannot take the request now. Repeat it later.",
        headers={"Retry-After": "1"},
    )


def put_epoch(record: Epoch) -> tuple[Epoch, bool]:
    """Store a record unless its key exists; return what is stored, and whether it was there.

    `repr` gives the shortest digits that mean the double, so the item carries the digits that
    the answer carries. A record that turns out to be there but is this very one was written by
    an attempt whose answer was lost, and is no repeat. Raises Problem with 503 where DynamoDB
    is throttled or does not answer.
    """
    from botocore.exceptions import (  # pylint: disable=import-outside-toplevel
        BotoCoreError,
        ClientError,
    )

    item = {
        EPOCHS.partition_key: {"S": record.key},
        "epoch": {"N": repr(record.epoch)},
        "ip": {"S": record.ip},
    }
    put: dict[str, Any] = {
        "TableName": os.environ[EPOCHS.environment],
        "Item": item,
        "ConditionExpression": "attribute_not_exists(#key)",
        "ExpressionAttributeNames": {"#key": EPOCHS.partition_key},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    if retention := int(os.environ.get("RETENTION_DAYS", "0")):
        item["expires"] = {"N": str(int(record.epoch) + retention * SECONDS_PER_DAY)}
        # DynamoDB deletes what has expired within days, not at once.
        put["ConditionExpression"] = "attribute_not_exists(#key) OR expires < :now"
        put["ExpressionAttributeValues"] = {":now": {"N": str(int(record.epoch))}}
    try:
        with telemetry.aws_call("DynamoDB", operation="PutItem", table_name=put["TableName"]):
            _client().put_item(**put)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            there = error.response["Item"]
            first = Epoch(key=record.key, epoch=float(there["epoch"]["N"]), ip=there["ip"]["S"])
            return first, first != record
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if status >= 500 or error.response["Error"]["Code"] in _NOT_NOW:
            raise unavailable() from error
        raise
    except BotoCoreError as error:
        raise unavailable() from error
    return record, False
