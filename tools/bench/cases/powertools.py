"""Powertools as its documentation sets it up, with boto3's client below: logs, metrics, traces."""

import os
import time
import uuid

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response, content_types
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from aws_xray_sdk.core import xray_recorder
from botocore.config import Config
from event import CONTEXT, EVENT

_logger = Logger(service="epoch")
_metrics = Metrics(namespace="Epoch", service="epoch")
# Patching all installed libraries takes longer.
_tracer = Tracer(service="epoch", patch_modules=["botocore"])
_app = APIGatewayRestResolver()
_client = boto3.client(
    "dynamodb",
    config=Config(
        connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2}
    ),
)


@_app.post("/epoch")
def record():
    """Store a record."""
    key, epoch = str(uuid.uuid4()), time.time_ns() // 1000 / 1e6
    ip = _app.current_event.request_context.identity.source_ip
    _client.put_item(
        TableName=os.environ["TABLE_EPOCHS_NAME"],
        Item={"key": {"S": key}, "epoch": {"N": repr(epoch)}, "ip": {"S": ip}},
        ConditionExpression="attribute_not_exists(#key)",
        ExpressionAttributeNames={"#key": "key"},
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )
    _tracer.put_annotation("key", key)
    _metrics.add_metric(name="Requests", unit=MetricUnit.Count, value=1)
    _logger.info("request", extra={"key": key, "route": "POST /epoch", "status": 201})
    return Response(
        status_code=201,
        content_type=content_types.APPLICATION_JSON,
        body={"key": key, "epoch": epoch, "ip": ip},
    )


@_logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST)
@_tracer.capture_lambda_handler(capture_response=False)
@_metrics.log_metrics(capture_cold_start_metric=True)
def handler(event, context):
    """Answer one event."""
    return _app.resolve(event, context)


def call():
    """Handle one event, and drop its trace as Lambda does."""
    response = handler(EVENT, CONTEXT)
    xray_recorder.clear_trace_entities()
    return response["statusCode"], response["body"]
