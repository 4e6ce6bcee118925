"""Runs the service in this process, with its tables, queues, topics and buckets in moto."""

import base64
import json
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws
from urllib3 import HTTPHeaderDict

from function.declare.queue import Queue
from function.declare.registry import load_buckets, load_queues, load_tables, load_topics
from function.declare.setting import Setting
from function.declare.table import Table
from function.runtime import aws_client
from local.local_stack import Reply
from testing import events
from testing.log import recorded

REGION = "eu-central-1"
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
}
CONTEXT = SimpleNamespace(aws_request_id="invocation")


class Service:
    """Your service, which calls moto in place of AWS.

    `log` has the lines that it wrote, oldest first. The names of tables, queues and buckets are the
    declared ones. API Gateway takes no part: it checks API keys, required parameters and the usage
    plans in a running stack only.
    """

    def __init__(self, environment: pytest.MonkeyPatch, log: list[dict[str, Any]]) -> None:
        self.log = log
        self._environment = environment

    def call(self, method: str, target: str, **request: Any) -> Reply:
        """Return the response to a request; `events.api_request` has the arguments.

        The traceback of an error in the handler is in the last line of `log`, as in CloudWatch.
        """
        # It reads the endpoints, which a project may still lack.
        from function.runtime import api_handler

        event = events.api_request(method, target, **request)
        reply = api_handler.handler(event, CONTEXT)
        body = reply["body"]
        if reply.get("isBase64Encoded"):
            body = base64.b64decode(body).decode(errors="replace")
        headers = HTTPHeaderDict(reply["headers"])
        return Reply(status=reply["statusCode"], headers=headers, body=body)

    def run_job(self, name: str, event: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Run a job on an event of `testing.events`; return the log line of each item."""
        from function.runtime import job_handler

        self._environment.setenv("JOB_NAME", name)
        job_handler._job.cache_clear()
        before = len(self.log)
        with suppress(Exception):  # the line has its outcome
            job_handler.handler(event, CONTEXT)
        return [line for line in self.log[before:] if line["message"] == "request"]

    def set(self, setting: Setting[Any], value: Any) -> None:
        """Set a setting or a secret, also anew; the others have their defaults."""
        text = value if setting.type is str else json.dumps(value)
        if setting.secret:
            # Another name than before: the function keeps a secret's value by its ARN.
            name = f"{setting.name}-{uuid.uuid4()}"
            secrets = boto3.client("secretsmanager")
            text = secrets.create_secret(Name=name, SecretString=text)["ARN"]
        self._environment.setenv(setting.env_var, text)

    def items(self, table: Table) -> list[dict[str, Any]]:
        """Return the items of a table."""
        items: list[dict[str, Any]] = boto3.client("dynamodb").scan(TableName=table.name)["Items"]
        return items

    def messages(self, queue: Queue) -> list[Any]:
        """Take the messages out of a queue; return their bodies."""
        sqs, found = boto3.client("sqs"), []
        url = os.environ[queue.env_var]
        while taken := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in taken:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                found.append(json.loads(message["Body"]))
        return found


def _key_schema(names: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"AttributeName": key, "KeyType": kind} for key, kind in zip(names, ("HASH", "RANGE"))]


def _projection(attributes: tuple[str, ...] | None) -> dict[str, Any]:
    if attributes is None:
        return {"ProjectionType": "ALL"}
    if not attributes:
        return {"ProjectionType": "KEYS_ONLY"}
    return {"ProjectionType": "INCLUDE", "NonKeyAttributes": [*attributes]}


def create_table(table: Table) -> None:
    """Create a table with its indexes."""
    indexes = [
        {
            "IndexName": index.name,
            "KeySchema": _key_schema(index.keys),
            "Projection": _projection(index.attributes),
        }
        for index in table.indexes
    ]
    boto3.client("dynamodb").create_table(
        TableName=table.name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=_key_schema(table.keys),
        AttributeDefinitions=[
            {"AttributeName": key, "AttributeType": kind} for key, kind in table.key_types.items()
        ],
        **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
    )


def _create_resources(environment: pytest.MonkeyPatch) -> None:
    for table in load_tables().values():
        create_table(table)
        environment.setenv(table.env_var, table.name)
    for queue in load_queues().values():
        ending, kind = (".fifo", {"FifoQueue": "true"}) if queue.fifo else ("", {})
        made = boto3.client("sqs").create_queue(QueueName=queue.name + ending, Attributes=kind)
        environment.setenv(queue.env_var, made["QueueUrl"])
    for topic in load_topics().values():
        arn = boto3.client("sns").create_topic(Name=topic.name)["TopicArn"]
        environment.setenv(topic.env_var, arn)
    for bucket in load_buckets().values():
        place = {"LocationConstraint": REGION}
        boto3.client("s3").create_bucket(Bucket=bucket.name, CreateBucketConfiguration=place)
        environment.setenv(bucket.env_var, bucket.name)


@contextmanager
def own_client() -> Iterator[None]:
    """Let the function make clients by the environment as it is now, and forget them after."""
    aws_client._client.cache_clear()
    try:
        yield
    finally:
        aws_client._client.cache_clear()


@contextmanager
def in_moto() -> Iterator[Service]:
    """Return the service, with its declared resources in moto."""
    with pytest.MonkeyPatch.context() as environment, mock_aws(), own_client(), recorded() as log:
        for name, value in _CREDENTIALS.items():
            environment.setenv(name, value)
        _create_resources(environment)
        yield Service(environment, log)
