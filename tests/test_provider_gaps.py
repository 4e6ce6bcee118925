"""What the AWS provider asks of the emulator, and a person's tools do not."""

from typing import Any

import pytest


def test_an_api_key_with_an_empty_value_gets_one(local: Any) -> None:
    gateway = local.emulator.client("apigateway")
    made = gateway.create_api_key(name="empty", value="", enabled=True)
    assert len(made["value"]) >= 20
    gateway.delete_api_key(apiKey=made["id"])


def test_a_missing_dashboard_is_the_error_that_the_provider_knows(local: Any) -> None:
    client = local.emulator.client("cloudwatch")
    with pytest.raises(client.exceptions.ClientError) as refused:
        client.get_dashboard(DashboardName="none")
    assert "DashboardNotFound" in refused.value.response["Error"]["Code"]


def test_a_stage_throttle_of_minus_one_is_no_limit(local: Any) -> None:
    gateway = local.deployer.client("apigateway")
    (api,) = gateway.get_rest_apis()["items"]
    (stage,) = gateway.get_stages(restApiId=api["id"])["item"]
    for name in ("rateLimit", "burstLimit"):
        gateway.update_stage(
            restApiId=api["id"],
            stageName=stage["stageName"],
            patchOperations=[{"op": "replace", "path": f"/*/*/throttling/{name}", "value": "-1"}],
        )
    assert [local.call().status for _ in range(3)] == [201, 201, 201]
