"""The service of tests/fixtures/notes.py, with its table in moto or in a DynamoDB with faults."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import boto3
import pytest
from moto import mock_aws

from function.declare import limits
from function.runtime import aws_client
from tests.fixtures import notes
from tools.reliability import fake_dynamodb

Failing = Callable[..., AbstractContextManager[dict[str, Any]]]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make POST /notes the only route, with credentials for its table."""
    routes = {notes.ENDPOINT.route: notes.ENDPOINT}
    monkeypatch.setattr(notes.api_handler, "_ROUTES", routes)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-central-1",
        notes.NOTES.env_var: "notes",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def table(service: None) -> Iterator[Any]:  # pylint: disable=unused-argument
    """Return a function that reads the items of the table in moto."""
    with mock_aws(), notes.own_client():
        client = boto3.client("dynamodb")
        client.create_table(
            TableName="notes",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        )
        yield lambda: client.scan(TableName="notes")["Items"]


@pytest.fixture(params=("no connection", "a connection"))
def failing(
    service: None,  # pylint: disable=unused-argument
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Failing:
    """Return a function that runs a DynamoDB with faults in its first responses; it yields items.

    The function's client has, or has not, an open connection to it.
    """

    @contextmanager
    def run(*faults: str) -> Iterator[dict[str, Any]]:
        # Long enough for an immediate response on a busy machine.
        monkeypatch.setattr(limits, "READ_TIMEOUT_S", 1 if "slow" in faults else 5)
        items = fake_dynamodb.Table()
        with fake_dynamodb.storage(items, *faults, delay_s=1.5) as server:
            monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
            with notes.own_client():
                if request.param == "a connection":
                    aws_client.warm_up()
                    assert server.checks
                yield items.items

    return run
