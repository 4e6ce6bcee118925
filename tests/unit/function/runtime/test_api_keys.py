"""API keys that a service issues while it runs."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import boto3
import pytest
from moto import mock_aws

from function.runtime import api_keys
from tests.fixtures import notes


@pytest.fixture(name="gateway")
def _gateway() -> Iterator[Any]:
    """Return a client of API Gateway in moto, with plans of three stacks."""
    name = "shop-trial-function-0a1b2c3"
    with mock_aws(), notes.credentials(AWS_LAMBDA_FUNCTION_NAME=name):
        client = boto3.client("apigateway")
        for name in ("shop-other-basic-0a1b2c3", "shop-trial-basic-big-0a1b2c3"):
            client.create_usage_plan(name=name)
        yield client


def test_a_key_is_in_the_plan_of_its_stack_and_can_be_deleted(gateway: Any) -> None:
    plan = gateway.create_usage_plan(name="shop-trial-basic-fffffff")["id"]
    key = api_keys.issue("ada", "basic")
    (found,) = gateway.get_usage_plan_keys(usagePlanId=plan)["items"]
    assert (found["id"], found["value"], found["name"]) == (*key, "ada")
    api_keys.delete(key.id)
    assert not gateway.get_api_keys()["items"]


def test_without_the_plan_no_key_is_left(gateway: Any) -> None:
    with pytest.raises(LookupError, match="no usage plan 'basic'; add it to the config"):
        api_keys.issue("ada", "basic")
    assert not gateway.get_api_keys()["items"]


def test_usage_is_the_requests_of_each_day(gateway: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = gateway.create_usage_plan(name="shop-trial-basic-fffffff")["id"]
    sent: list[dict[str, Any]] = []
    real = api_keys.call

    def call(service: Any, operation: str, **request: Any) -> dict[str, Any]:
        if operation != "get_usage":  # moto has no such operation
            return real(service, operation, **request)
        sent.append(request)
        return {"items": {"key": [[3, 97], [0, 97]]}}

    monkeypatch.setattr(api_keys, "call", call)
    days = date(2026, 1, 30), date(2026, 1, 31)
    assert api_keys.usage("key", "basic", *days) == [3, 0]
    assert not api_keys.usage("another", "basic", *days)
    expected = {"usagePlanId": plan, "startDate": "2026-01-30", "endDate": "2026-01-31"}
    assert sent[0] == expected | {"keyId": "key"}
