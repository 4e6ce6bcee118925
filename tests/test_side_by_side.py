"""Stacks that share an account: up side by side, and down without a trace of their own."""

from typing import Any

from local import deploy
from local.ministack import MiniStack


def _inventory(emulator: MiniStack) -> dict[str, list[str]]:
    """Return the names of what an account holds, by service and kind."""
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


def test_two_stacks_in_one_account_do_not_touch_each_other() -> None:
    with deploy.account("eu-central-1") as shared:
        empty = _inventory(shared.emulator)
        with deploy.up_in(shared, "prod") as prod:
            alone = _inventory(shared.emulator)
            with deploy.up_in(shared, "dev") as dev:
                assert dev.call().status == prod.call().status == 201
                assert prod.call(key=dev.outputs["api_key"]).status == 403
                assert len(dev.items()) == len(prod.items()) == 1
            # What dev owned for the whole account stays: prod logs through it.
            (kept,) = set(_inventory(shared.emulator)["roles"]) - set(alone["roles"])
            role_arn = shared.emulator.client("apigateway").get_account()["cloudwatchRoleArn"]
            assert role_arn.endswith(f"role/epoch/dev/{kept}")
            assert _inventory(shared.emulator) == {**alone, "roles": [kept, *alone["roles"]]}
            assert prod.call().status == 201 and len(prod.items()) == 2
        assert _inventory(shared.emulator) == {**empty, "roles": [kept]}
