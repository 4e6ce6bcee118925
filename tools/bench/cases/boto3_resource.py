"""boto3's resource, with no telemetry."""

import json
import os
import time
import uuid
from decimal import Decimal

import boto3
from botocore.config import Config

_table = boto3.resource(
    "dynamodb",
    config=Config(
        connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2}
    ),
).Table(os.environ["TABLE_EPOCHS_NAME"])


def call():
    """Store a record."""
    key, epoch, ip = str(uuid.uuid4()), time.time_ns() // 1000 / 1e6, "192.0.2.1"
    _table.put_item(
        Item={"key": key, "epoch": Decimal(repr(epoch)), "ip": ip},
        ConditionExpression="attribute_not_exists(#key)",
        ExpressionAttributeNames={"#key": "key"},
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )
    return 201, json.dumps({"key": key, "epoch": epoch, "ip": ip})
