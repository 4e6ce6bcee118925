"""Alarms and dashboard rows of endpoints and jobs, the topic, and the sampling rule."""

import json
from typing import Any

import pytest

import function.declare.registry
from components import sampling_rule
from function.declare.endpoint import Endpoint, Parameter, Response
from local import pulumi_program
from tests.conftest import NAME, STACK, alarms_of, declare, one, plain

ADDED = Endpoint(
    method="GET",
    path="/added/{key}",
    summary="Read.",
    handle=lambda request: Response(status=200, body={"ip": request.ip}),
    responses={200: {"title": "Added", "type": "object"}},
    path_parameters=(Parameter(name="key", description="Which."),),
)


def dashboard(resources: list[pulumi_program.Resource]) -> Any:
    """Return the body of the dashboard."""
    return json.loads(one(resources, "aws:cloudwatch/dashboard:Dashboard")["dashboardBody"])


@pytest.mark.conformance
@pytest.mark.parametrize("preview", (False, True))
def test_an_added_endpoint_has_alarm_dashboard_row_and_metrics(
    monkeypatch: pytest.MonkeyPatch, preview: bool
) -> None:
    all_ = enumerate([*function.declare.registry.load_endpoints(), ADDED])
    endpoints = function.declare.registry.validate_endpoints(
        {str(number): endpoint for number, endpoint in all_}
    )
    monkeypatch.setattr(function.declare.registry, "load_endpoints", lambda: endpoints)
    resources = pulumi_program.declared_resources(STACK, preview=preview, config=plain())
    alarm = alarms_of(resources)["endpoint-errors-get-added-by"]
    assert "GET /added/{key}" in alarm["alarmDescription"]
    if preview:  # names are unknown then
        return
    dimensions = alarm["dimensions"]
    assert dimensions["Resource"] == "/added/{key}" and dimensions["Method"] == "GET"
    titles = [widget["properties"].get("title", "") for widget in dashboard(resources)["widgets"]]
    assert sum(title.startswith("GET /added/{key}: ") for title in titles) == 4
    settings = one(resources, "aws:apigateway/methodSettings:MethodSettings")
    assert settings["methodPath"] == "*/*" and settings["settings"]["metricsEnabled"] is True


def test_only_alarms_of_the_account_publish_to_the_topic() -> None:
    resources = declare(alarm_email="on-call@example.com")
    assert one(resources, "aws:sns/topicSubscription:TopicSubscription")["protocol"] == "email"
    (publish,) = json.loads(one(resources, "aws:sns/topicPolicy:TopicPolicy")["policy"])[
        "Statement"
    ]
    assert publish["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert publish["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    assert publish["Action"] == ["sns:Publish"] and publish["Resource"].endswith(f":{NAME}")


def test_tracing_follows_the_config() -> None:
    rule = one(declare(trace_sampling_rate="0.2"), "aws:xray/samplingRule:SamplingRule")
    assert rule["fixedRate"] == 0.2 and rule["serviceName"] == f"{NAME}/{STACK}"
    assert rule["ruleName"] == sampling_rule(NAME)


def test_stacks_with_long_names_have_sampling_rules_of_their_own() -> None:
    assert sampling_rule("shop-one") == "shop-one"
    rules = [sampling_rule(f"{'a' * 40}-{stack}") for stack in ("one", "two")]
    assert rules[0] != rules[1] and [len(rule) for rule in rules] == [32, 32]


@pytest.mark.usefixtures("jobs")
def test_a_job_has_alarms_and_a_row_of_its_own() -> None:
    resources = pulumi_program.declared_resources(STACK, config=plain())
    alarms = alarms_of(resources)
    assert {name for name in alarms if name.startswith("job-") and "ship" in name} == {
        f"job-{what}-ship"
        for what in ("backlog", "dead-letters", "duration", "errors", "throttles")
    }
    assert "job-backlog-clean-up" not in alarms  # a schedule's run never waits
    assert alarms["job-backlog-ship"]["dimensions"] == {"QueueName": f"{NAME}-orders"}
    assert alarms["job-backlog-follow"]["threshold"] == 1_000 * 900
    assert alarms["job-duration-ship"]["threshold"] == 80_000
    titles = [widget["properties"].get("title", "") for widget in dashboard(resources)["widgets"]]
    assert "Job ship: dead letters, oldest item in s" in titles
    assert len([title for title in titles if title.startswith("Job clean_up: ")]) == 4
