"""boto3's client, with no telemetry."""

import json
import os
import time
import uuid

import boto3
from botocore.config import Config

_client = boto3.client(
    "dynamodb",
    config=Config(
        connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2}
    ),
)


def call():
    """Store a record."""
    key, epoch, ip = str(uuid.uuid4()), time.time_ns() // 1000 / 1e6, "192.0.2.1"
    _client.put_item(
        TableName=os.environ["TABLE_EPOCHS_NAME"],
        Item={"key": {"S": key}, "epoch": {"N": repr(epoch)}, "ip": {"S": ip}},
        ConditionExpression="attribute_not_exists(#key)",
        ExpressionAttributeNames={"#key": "key"},
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )
    return 201, json.dumps({"key": key, "epoch": epoch, "ip": ip})
