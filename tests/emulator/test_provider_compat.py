"""Requests to the emulator that only the AWS provider sends."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
import pytest


def test_an_api_key_with_an_empty_value_gets_one(local: Any) -> None:
    gateway = local.emulator.client("apigateway")
    made = gateway.create_api_key(name="empty", value="", enabled=True)
    assert len(made["value"]) >= 20
    gateway.delete_api_key(apiKey=made["id"])


def test_an_api_key_is_switched_off_and_on_by_a_word(local: Any) -> None:
    gateway = local.emulator.client("apigateway")
    keys = gateway.get_api_keys(includeValues=True)["items"]
    (key,) = (key for key in keys if key["value"] == local.outputs["default_api_key"])
    for word in ("false", "true"):
        patch = [{"op": "replace", "path": "/enabled", "value": word}]
        gateway.update_api_key(apiKey=key["id"], patchOperations=patch)
        assert (local.call().status == 403) == (word == "false")


def test_an_empty_path_of_a_domain_is_its_root(local: Any) -> None:
    gateway = local.emulator.client("apigateway")
    (api,) = gateway.get_rest_apis()["items"]
    domain = {"domainName": "root.example.com"}
    gateway.create_domain_name(**domain)
    gateway.create_base_path_mapping(**domain, basePath="", restApiId=api["id"])
    mapping = gateway.get_base_path_mapping(**domain, basePath="(none)")
    gateway.delete_domain_name(**domain)
    assert mapping["restApiId"] == api["id"]


def test_a_missing_dashboard_is_the_error_that_the_provider_knows(local: Any) -> None:
    client = local.emulator.client("cloudwatch")
    with pytest.raises(client.exceptions.ClientError) as refused:
        client.get_dashboard(DashboardName="none")
    assert "DashboardNotFound" in refused.value.response["Error"]["Code"]


def test_a_stage_throttle_of_minus_one_is_no_limit(local: Any) -> None:
    gateway = local.emulator.client("apigateway")
    (api,) = gateway.get_rest_apis()["items"]
    (stage,) = gateway.get_stages(restApiId=api["id"])["item"]
    for name in ("rateLimit", "burstLimit"):
        gateway.update_stage(
            restApiId=api["id"],
            stageName=stage["stageName"],
            patchOperations=[{"op": "replace", "path": f"/*/*/throttling/{name}", "value": "-1"}],
        )
    assert all(local.call().status < 300 for _ in range(3))


@pytest.fixture(name="metrics", params=("smithy-rpc-v2-cbor", "query"))
def _metrics(request: pytest.FixtureRequest, local: Any) -> Any:
    """Return a client of CloudWatch that speaks CBOR, as newer providers do, or Query."""
    session = botocore.session.get_session()
    loader = session.get_component("data_loader")
    load = loader.load_service_model

    def speaking(service: str, kind: str, **more: Any) -> Any:
        model = load(service, kind, **more)
        if kind != "service-2":
            return model
        protocol = {"protocol": request.param, "protocols": [request.param]}
        return model | {"metadata": model["metadata"] | protocol}

    loader.load_service_model = speaking
    client = session.create_client(
        "cloudwatch",
        region_name="eu-central-1",
        endpoint_url=local.emulator.url,
        aws_access_key_id=local.emulator.credentials.access_key,
        aws_secret_access_key=local.emulator.credentials.secret_key,
    )
    assert client.meta.service_model.resolved_protocol == request.param
    return client


_ALARM = {
    "AlarmName": "mine",
    "AlarmDescription": 'a & b < "c"',
    "ActionsEnabled": False,
    "AlarmActions": ["arn:aws:sns:eu-central-1:000000000000:a"],
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "EvaluationPeriods": 5,
    "DatapointsToAlarm": 3,
    "Threshold": 0.5,
    "TreatMissingData": "notBreaching",
}
_METRIC = {
    "Namespace": "N",
    "MetricName": "m",
    "Dimensions": [{"Name": "Route", "Value": "GET /a&b"}],
    "Period": 60,
}
_MATH = [
    {"Id": "share", "Expression": "100 * m / 2", "Label": "share", "ReturnData": True},
    {
        "Id": "m",
        "MetricStat": {
            "Metric": {key: _METRIC[key] for key in ("Namespace", "MetricName", "Dimensions")},
            "Period": 60,
            "Stat": "p99",
        },
        "ReturnData": False,
    },
]


@pytest.mark.parametrize(
    "more",
    ({**_METRIC, "Statistic": "Sum"}, {**_METRIC, "ExtendedStatistic": "p99"}, {"Metrics": _MATH}),
)
def test_an_alarm_is_described_as_it_was_put(metrics: Any, more: dict[str, Any]) -> None:
    metrics.put_metric_alarm(**_ALARM, **more, Tags=[{"Key": "a", "Value": ""}])
    (alarm,) = metrics.describe_alarms(AlarmNames=["mine"])["MetricAlarms"]
    tags = metrics.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
    metrics.delete_alarms(AlarmNames=["mine"])
    assert tags == [{"Key": "a", "Value": ""}]
    assert isinstance(alarm["StateUpdatedTimestamp"], datetime)
    known = {name: value for name, value in alarm.items() if value != []}
    made = {"AlarmArn", "AlarmConfigurationUpdatedTimestamp"}
    assert {name for name in known if not name.startswith("State")} - made == {*_ALARM, *more}
    assert {name: known[name] for name in (*_ALARM, *more)} == {**_ALARM, **more}


def test_a_composite_alarm_keeps_its_suppressor(metrics: Any) -> None:
    metrics.put_metric_alarm(**_ALARM, **_METRIC, Statistic="Sum")
    declared = {
        "AlarmName": "both",
        "AlarmRule": 'ALARM("mine")',
        "ActionsSuppressor": "mine",
        "ActionsSuppressorWaitPeriod": 60,
        "ActionsSuppressorExtensionPeriod": 120,
        "AlarmActions": _ALARM["AlarmActions"],
    }
    metrics.put_composite_alarm(**declared)
    page = metrics.describe_alarms(AlarmNames=["both"], AlarmTypes=["CompositeAlarm"])
    metrics.delete_alarms(AlarmNames=["both"])
    metrics.delete_alarms(AlarmNames=["mine"])
    (alarm,) = page["CompositeAlarms"]
    assert {name: alarm[name] for name in declared} == declared


def test_a_dashboard_is_read_back_as_it_was_put(metrics: Any) -> None:
    body = json.dumps({"widgets": [{"type": "text", "properties": {"markdown": "a < b & 'c'"}}]})
    metrics.put_dashboard(DashboardName="mine", DashboardBody=body)
    assert metrics.get_dashboard(DashboardName="mine")["DashboardBody"] == body
    metrics.delete_dashboards(DashboardNames=["mine"])


def test_values_of_a_metric_come_with_their_times(metrics: Any) -> None:
    name = uuid.uuid4().hex  # the other protocol may have measured in another minute
    at = datetime.now(UTC).replace(microsecond=0)
    metrics.put_metric_data(
        Namespace="N", MetricData=[{"MetricName": name, "Timestamp": at, "Values": [1, 2]}]
    )
    metric = {"Namespace": "N", "MetricName": name}
    largest = {"Metric": metric, "Period": 60, "Stat": "Maximum"}
    found = metrics.get_metric_data(
        MetricDataQueries=[{"Id": "t", "MetricStat": largest}],
        StartTime=at - timedelta(minutes=5),
        EndTime=at + timedelta(minutes=5),
    )
    (series,) = found["MetricDataResults"]
    assert series["Values"] == [2] and at - series["Timestamps"][0] < timedelta(minutes=1)
