"""Limits that a team sets on cost, and the backups of its data."""

import json

import pytest

import function.declare.registry
from function.declare.table import Index, Table
from local import pulumi_program
from tests.conftest import NAME, PROJECT, STACK, declare, one, plain

TABLE = "aws:dynamodb/table:Table"
BUDGET, TOPIC_POLICY = "aws:budgets/budget:Budget", "aws:sns/topicPolicy:TopicPolicy"


def test_a_protected_table_can_be_restored_for_the_configured_days() -> None:
    wanted = {"true": {"enabled": True, "recoveryPeriodInDays": 7}, "false": {"enabled": False}}
    for protect, recovery in wanted.items():
        resources = declare(protect_data=protect, recovery_period_days="7")
        tables = [r.inputs["pointInTimeRecovery"] for r in resources if r.kind == TABLE]
        assert tables == [recovery] * len(function.declare.registry.load_tables())


def test_request_units_are_limited_on_table_and_indexes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not [r.name for r in declare() if "onDemandThroughput" in r.inputs]
    table = Table("notes", "key", indexes=(Index(name="by-day", partition_key="day"),))
    own = function.declare.registry.load_tables()
    monkeypatch.setattr(function.declare.registry, "load_tables", lambda: {**own, "notes": table})
    config = plain(max_read_units="100", max_write_units="50")
    limited = one(pulumi_program.declared_resources(STACK, config=config), TABLE, f"{NAME}-notes")
    limits = {"maxReadRequestUnits": 100, "maxWriteRequestUnits": 50}
    assert limited["onDemandThroughput"] == limits
    assert [index["onDemandThroughput"] for index in limited["globalSecondaryIndexes"]] == [limits]


def test_a_budget_of_the_stacks_tags_notifies_the_topic_of_alarms() -> None:
    resources = declare(monthly_budget_usd="50")
    budget = one(resources, BUDGET)
    assert (budget["limitAmount"], budget["timeUnit"]) == ("50", "MONTHLY")
    assert budget["costFilters"] == [
        {"name": "TagKeyValue", "values": [f"user:project${PROJECT}"]},
        {"name": "TagKeyValue", "values": [f"user:stack${STACK}"]},
    ]
    alarm = one(resources, "aws:cloudwatch/metricAlarm:MetricAlarm", "-api-5xx-rate")
    for notification in budget["notifications"]:
        assert notification["subscriberSnsTopicArns"] == alarm["alarmActions"]
    (publish,) = json.loads(one(resources, TOPIC_POLICY)["policy"])["Statement"]
    assert "budgets.amazonaws.com" in publish["Principal"]["Service"]
    unlimited = declare()
    assert not [r.name for r in unlimited if r.kind == BUDGET]
    assert "budgets" not in one(unlimited, TOPIC_POLICY)["policy"]


def test_a_backup_plan_covers_every_table() -> None:
    resources = declare(backup_days="30", protect_data="true")
    tables = [f":{r.inputs.get('name', r.name)}" for r in resources if r.kind == TABLE]
    selection = one(resources, "aws:backup/selection:Selection")
    assert len(selection["resources"]) == len(tables)
    assert all(arn.endswith(tuple(tables)) for arn in selection["resources"])
    (rule,) = one(resources, "aws:backup/plan:Plan")["rules"]
    assert rule["lifecycle"] == {"deleteAfter": 30}
    (vault,) = (r for r in resources if r.kind == "aws:backup/vault:Vault")
    assert vault.protect
    assert not [r.name for r in declare() if r.kind.startswith("aws:backup/")]
