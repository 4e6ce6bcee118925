"""The data layer: the one module that talks to DynamoDB."""

import os
from dataclasses import dataclass
from functools import cache
from typing import Any

from function import telemetry
from function.contract import Problem
from function.tables import EPOCHS, Table

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


def call(operation: str, table: Table, **request: Any) -> dict[str, Any]:
    """Call an operation of boto3's DynamoDB client on a table and return its response.

    Raises Problem with 503 where DynamoDB is throttled or does not answer; any other refusal
    stays botocore's ClientError.
    """
    from botocore.exceptions import (  # pylint: disable=import-outside-toplevel
        BotoCoreError,
        ClientError,
    )

    name = os.environ[table.environment]
    try:
        with telemetry.aws_call(
            "DynamoDB", operation=operation.title().replace("_", ""), table_name=name
        ):
            response: dict[str, Any] = getattr(_client(), operation)(TableName=name, **request)
            return response
    except (BotoCoreError, ClientError) as error:
        if isinstance(error, ClientError):
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if status < 500 and error.response["Error"]["Code"] not in _NOT_NOW:
                raise
        raise Problem(
            503,
            "The storage cannot take the request now. Repeat it later.",
            headers={"Retry-After": "1"},
        ) from error


def put_epoch(record: Epoch) -> tuple[Epoch, bool]:
    """Store a record unless its key exists; return what is stored, and whether it was there.

    `repr` gives the shortest digits that mean the double, so the item carries the digits that
    the answer carries. A record that turns out to be there but is this very one was written by
    an attempt whose answer was lost, and is no repeat. Raises Problem with 503 where DynamoDB
    is throttled or does not answer.
    """
    from botocore.exceptions import ClientError  # pylint: disable=import-outside-toplevel

    item = {
        EPOCHS.partition_key: {"S": record.key},
        "epoch": {"N": repr(record.epoch)},
        "ip": {"S": record.ip},
    }
    condition: dict[str, Any] = {
        "ConditionExpression": "attribute_not_exists(#key)",
        "ExpressionAttributeNames": {"#key": EPOCHS.partition_key},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    if retention := int(os.environ.get("RETENTION_DAYS", "0")):
        item["expires"] = {"N": str(int(record.epoch) + retention * SECONDS_PER_DAY)}
        # DynamoDB deletes what has expired within days, not at once.
        condition["ConditionExpression"] += " OR expires < :now"
        condition["ExpressionAttributeValues"] = {":now": {"N": str(int(record.epoch))}}
    try:
        call("put_item", EPOCHS, Item=item, **condition)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        there = error.response["Item"]
        first = Epoch(key=record.key, epoch=float(there["epoch"]["N"]), ip=there["ip"]["S"])
        return first, first != record
    return record, False
