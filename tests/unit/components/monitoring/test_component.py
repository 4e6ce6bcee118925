"""Alarms and dashboard rows of endpoints and jobs, the topic, and the sampling rule."""

import json
from typing import Any

import pytest

import function.declare.job_registry
import function.declare.registry
from components import sampling_rule, triggers
from function.declare.endpoint import Endpoint, Parameter, Response
from function.declare.permission import TablePermission
from function.declare.table import Index, Table
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
    subscription = one(resources, "aws:sns/topicSubscription:TopicSubscription", NAME)
    assert subscription["protocol"] == "email"
    (publish,) = json.loads(one(resources, "aws:sns/topicPolicy:TopicPolicy")["policy"])[
        "Statement"
    ]
    assert publish["Principal"] == {"Service": ["cloudwatch.amazonaws.com"]}
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


@pytest.mark.conformance
def test_a_job_has_alarms_and_a_row_of_its_own(with_jobs: list[pulumi_program.Resource]) -> None:
    alarms = alarms_of(with_jobs)
    assert {name for name in alarms if name.startswith("job-") and "ship" in name} == {
        f"job-{what}-ship"
        for what in ("backlog", "dead-letters", "duration", "errors", "throttles")
    }
    # Lambda retries a schedule's run, so it never waits in a queue, and a throttle is no loss.
    assert {"job-backlog-clean-up", "job-throttles-clean-up"}.isdisjoint(alarms)
    assert "job-dead-letters-clean-up" in alarms
    throttled = {name for name in alarms if name.startswith("job-throttles-")}
    others = ("book", "follow", "resize", "ship", "tell", "watch")
    assert throttled == {f"job-throttles-{job}" for job in others}
    assert alarms["job-backlog-ship"]["dimensions"] == {"QueueName": f"{NAME}-orders"}
    assert alarms["job-backlog-follow"]["threshold"] == 1_000 * 900
    assert alarms["job-duration-ship"]["threshold"] == 80_000
    titles = [widget["properties"].get("title", "") for widget in dashboard(with_jobs)["widgets"]]
    assert "Job ship: dead letters, oldest item in s" in titles
    assert len([title for title in titles if title.startswith("Job clean_up: ")]) == 4


@pytest.mark.conformance
def test_a_throttled_index_has_alarms_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    index = Index(name="by-day", partition_key="day")
    tables = {"notes": Table(name="notes", partition_key="key", indexes=(index,))}
    own = function.declare.registry.load_tables()
    monkeypatch.setattr(function.declare.registry, "load_tables", lambda: {**own, **tables})
    alarms = alarms_of(pulumi_program.declared_resources(STACK, config=plain()))
    for kind in ("read", "write"):
        of_index = alarms[f"table-throttles-notes-by-day-{kind}s"]["dimensions"]
        assert of_index == {"TableName": f"{NAME}-notes", "GlobalSecondaryIndexName": "by-day"}
        assert alarms[f"table-throttles-notes-{kind}s"]["dimensions"] == {
            "TableName": f"{NAME}-notes"
        }


@pytest.mark.conformance
def test_system_errors_are_of_operations_not_of_iam_actions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = next(iter(function.declare.registry.load_tables()))
    actions = ("dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:PartiQLSelect")
    endpoint = ADDED._replace(permissions=(TablePermission(table=table, actions=actions),))
    monkeypatch.setattr(function.declare.registry, "load_endpoints", lambda: (endpoint,))
    monkeypatch.setattr(function.declare.job_registry, "load_jobs", dict)
    alarms = alarms_of(pulumi_program.declared_resources(STACK, config=plain()))
    operations = {a["dimensions"]["Operation"] for n, a in alarms.items() if "system-errors" in n}
    partiql = {"BatchExecuteStatement", "ExecuteStatement", "ExecuteTransaction"}
    assert operations == {"GetItem", "TransactWriteItems"} | partiql


@pytest.mark.conformance
def test_a_schedule_and_a_stream_that_stop_raise_an_alarm(
    with_jobs: list[pulumi_program.Resource],
) -> None:
    alarms = alarms_of(with_jobs)
    stopped = {name for name in alarms if name.startswith("job-stopped-")}
    assert stopped == {"job-stopped-clean-up", "job-stopped-follow"}
    daily = alarms["job-stopped-clean-up"]
    assert daily["evaluationPeriods"] == daily["datapointsToAlarm"] == 48


@pytest.mark.conformance
def test_one_retry_of_a_message_is_no_backlog(with_jobs: list[pulumi_program.Resource]) -> None:
    queue = one(with_jobs, "aws:sqs/queue:Queue", f"{NAME}-orders")
    threshold = alarms_of(with_jobs)["job-backlog-ship"]["threshold"]
    assert threshold == 2 * queue["visibilityTimeoutSeconds"] == 1_200


@pytest.mark.parametrize(
    ("expression", "interval_s"),
    (
        ("rate(5 minutes)", 300),
        ("rate(1 day)", 86_400),
        ("cron(0/15 * * * ? *)", 3_600),
        ("cron(0 3 * * ? *)", 86_400),
        ("cron(0 3 ? * MON *)", None),
        ("cron(0 3 1 * ? *)", None),
        ("at(2030-01-31T12:00:00)", None),
    ),
)
def test_the_interval_of_a_schedule_is_its_longest(expression: str, interval_s: int | None) -> None:
    assert triggers._interval_s(expression) == interval_s


def test_alarms_may_publish_to_a_topic_that_exists() -> None:
    topic = "arn:aws:sns:eu-central-1:123456789012:pager"
    resources = declare(alarm_topic_arn=topic)
    assert not [r for r in resources if r.kind.startswith("aws:sns/") and r.name == NAME]
    for alarm in alarms_of(resources).values():
        assert alarm.get("alarmActions", [topic]) == alarm.get("okActions", [topic]) == [topic]
