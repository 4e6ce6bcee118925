"""Stacks that share an account: up side by side, and down without a trace of their own."""

from typing import Any

import pytest

from local import local_stack
from local.ministack import MiniStack
from tests.conftest import PROJECT, STACK, beside, plain


def _inventory(emulator: MiniStack) -> dict[str, list[str]]:
    """Return the names of the resources in an account, by service and kind."""
    apigateway, cloudwatch = emulator.client("apigateway"), emulator.client("cloudwatch")
    alarms = cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])

    def names(found: list[Any], key: str) -> list[str]:
        return sorted(item[key] for item in found)

    return {
        "alarms": names(alarms["MetricAlarms"] + alarms["CompositeAlarms"], "AlarmName"),
        "apis": names(apigateway.get_rest_apis()["items"], "name"),
        "dashboards": names(cloudwatch.list_dashboards()["DashboardEntries"], "DashboardName"),
        "functions": names(emulator.client("lambda").list_functions()["Functions"], "FunctionName"),
        "keys": names(apigateway.get_api_keys()["items"], "name"),
        "log groups": names(
            emulator.client("logs").describe_log_groups()["logGroups"], "logGroupName"
        ),
        "plans": names(apigateway.get_usage_plans()["items"], "name"),
        "roles": names(emulator.client("iam").list_roles()["Roles"], "RoleName"),
        "tables": sorted(emulator.client("dynamodb").list_tables()["TableNames"]),
        "topics": names(emulator.client("sns").list_topics()["Topics"], "TopicArn"),
    }


@pytest.mark.usefixtures("sampled")
def test_two_stacks_in_one_account_do_not_touch_each_other() -> None:
    owning = plain(manage_api_gateway_account="true")
    with local_stack.emulated_account("eu-central-1") as shared:
        empty = _inventory(shared.emulator)
        with beside(shared, "other", plain()) as other:
            alone = _inventory(shared.emulator)
            with beside(shared, STACK, owning) as own:
                assert own.call().status == other.call().status < 300
                assert other.call(key=own.outputs["default_api_key"]).status == 403
            # Its resource for the whole account stays: the other stack logs through it.
            (kept,) = set(_inventory(shared.emulator)["roles"]) - set(alone["roles"])
            role_arn = shared.emulator.client("apigateway").get_account()["cloudwatchRoleArn"]
            assert role_arn.endswith(f"role/{PROJECT}/{STACK}/{kept}")
            assert _inventory(shared.emulator) == {
                **alone,
                "roles": sorted([kept, *alone["roles"]]),
            }
            assert other.call().status < 300
        assert _inventory(shared.emulator) == {**empty, "roles": [kept]}
