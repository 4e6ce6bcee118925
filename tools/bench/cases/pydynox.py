"""pydynox's client, whose core is Rust, with no telemetry."""

import json
import os
import time
import uuid

from pydynox import DynamoDBClient

_client = DynamoDBClient(
    region=os.environ["AWS_REGION"],
    endpoint_url=os.environ["AWS_ENDPOINT_URL_DYNAMODB"],
    connect_timeout=1,
    read_timeout=2,
    max_retries=2,
)


def call():
    """Store a record."""
    key, epoch, ip = str(uuid.uuid4()), time.time_ns() // 1000 / 1e6, "192.0.2.1"
    _client.sync_put_item(
        os.environ["TABLE_EPOCHS_NAME"],
        {"key": key, "epoch": epoch, "ip": ip},
        condition_expression="attribute_not_exists(#key)",
        expression_attribute_names={"#key": "key"},
        return_values_on_condition_check_failure=True,
    )
    return 201, json.dumps({"key": key, "epoch": epoch, "ip": ip})
