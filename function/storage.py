"""The data layer: the one module that talks to DynamoDB."""

import os
from functools import cache
from typing import Any

from function import telemetry
from function.tables import EPOCHS


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


def put_epoch(*, key: str, epoch: float, ip: str) -> None:
    """Store one record.

    `epoch` has microseconds; a double holds them exactly until the year 2255, and `repr` gives
    the shortest digits that mean it, so the item carries the digits that the answer carries.
    """
    table = os.environ[EPOCHS.environment]
    item = {
        EPOCHS.partition_key: {"S": key},
        "epoch": {"N": repr(epoch)},
        "ip": {"S": ip},
    }
    with telemetry.aws_call("DynamoDB", operation="PutItem", table_name=table):
        _client().put_item(TableName=table, Item=item)
