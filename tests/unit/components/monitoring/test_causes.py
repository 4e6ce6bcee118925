"""Each alarm fires for its cause and is quiet in normal traffic, by CloudWatch's rules."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from function.declare.job import Job
from function.declare.trigger import ScheduleTrigger, StreamTrigger
from local import pulumi_program, stack_files
from local.pulumi_program import Resource
from tests.conftest import STACK, plain

Values = Mapping[str, float | None]

# A period of a busy, healthy service, by metric and statistic; None is a period without data.
NORMAL: Values = {
    "5XXError Average": 0.0004,
    "5XXError Sum": 2,
    "ApproximateAgeOfOldestMessage Maximum": 20,
    "ApproximateNumberOfMessagesVisible Maximum": 0,
    "ConcurrentExecutions Maximum": 50,
    "ConsumedWriteCapacityUnits Sum": 30,
    "Count Sum": 5_000,
    "Duration Maximum": 900,
    "Errors Sum": 0,
    "Invocations Sum": 12,
    "IteratorAge Maximum": 2_000,
    "Latency p99": 400,
    "ReadThrottleEvents Sum": None,
    "Requests Sum": None,
    "SystemErrors Sum": None,
    "ThrottledCalls Average": 0.01,
    "Throttles Sum": 0,
    "WriteThrottleEvents Sum": None,
}
# The cause of each alarm, by its section in docs/operations.md.
CAUSES: Mapping[str, Values] = {
    "api-5xx-rate": {"5XXError Average": 0.06},
    "api-latency-p99": {"Latency p99": 2_500},
    "api-throttled-callers": {"ThrottledCalls Average": 0.3},
    "authorizer-duration": {"Duration Maximum": 9_500},
    "authorizer-failures": {"Requests Sum": 3},
    "authorizer-throttles": {"Throttles Sum": 3},
    "burn-rate-fast": {"5XXError Average": 0.02, "5XXError Sum": 100},
    "burn-rate-medium": {"5XXError Average": 0.007, "5XXError Sum": 200},
    "burn-rate-slow": {"5XXError Average": 0.004, "5XXError Sum": 400},
    "endpoint-errors": {"5XXError Average": 0.06},
    "function-concurrency": {"ConcurrentExecutions Maximum": 900},
    "function-duration": {"Duration Maximum": 9_500},
    "function-errors": {"Errors Sum": 3},
    "function-throttles": {"Throttles Sum": 3},
    "job-backlog": {
        "ApproximateAgeOfOldestMessage Maximum": 1_500,
        "IteratorAge Maximum": 1_500_000,
    },
    "job-dead-letters": {"ApproximateNumberOfMessagesVisible Maximum": 1},
    "job-duration": {"Duration Maximum": 95_000},
    "job-errors": {"Errors Sum": 1},
    "job-failures": {"Requests Sum": 10},
    "job-stopped": {"Invocations Sum": None},
    "job-throttles": {"Throttles Sum": 2},
    "table-system-errors": {"SystemErrors Sum": 2},
    "table-throttles": {"ReadThrottleEvents Sum": 9, "WriteThrottleEvents Sum": 9},
}
_FORMULAS: Mapping[str, Callable[..., float | None]] = {
    "IF(calls < 100, 0, latency)": lambda calls, latency: 0 if calls < 100 else latency,
    "IF(writes > 0 AND FILL(runs, 0) < 1, 1, 0)": lambda writes, runs: (
        None if writes is None else int(writes > 0 and (runs or 0) < 1)
    ),
}


@pytest.fixture(name="alarms")
def _alarms(jobs: dict[str, Job], authorizers: None) -> dict[str, list[dict[str, Any]]]:
    """Return the alarms by their section of the runbook; a composite one as its parts."""
    jobs["clean_up"] = jobs["clean_up"]._replace(trigger=ScheduleTrigger("rate(1 hour)"))
    assert isinstance(jobs["follow"].trigger, StreamTrigger)
    found: dict[str, list[dict[str, Any]]] = {}
    for resource in pulumi_program.declared_resources(STACK, config=plain()):
        if resource.kind == "aws:cloudwatch/metricAlarm:MetricAlarm":
            found.setdefault(_section(resource), []).append(resource.inputs)
    return found


def _section(alarm: Resource) -> str:
    return str(alarm.inputs["alarmDescription"]).rpartition("#")[2]


def _value(alarm: Mapping[str, Any], values: Values) -> float | None:
    """Return the value of an alarm's metric or formula in one period."""
    if "metricQueries" not in alarm:
        statistic = alarm.get("statistic") or alarm["extendedStatistic"]
        return values[f"{alarm['metricName']} {statistic}"]
    *inputs, formula = alarm["metricQueries"]
    of = {one["id"]: f"{one['metric']['metricName']} {one['metric']['stat']}" for one in inputs}
    return _FORMULAS[formula["expression"]](**{name: values[key] for name, key in of.items()})


def _fires(alarm: Mapping[str, Any], cause: Values, lasting: int | None = None) -> bool:
    """Return True if an alarm fires in a cause of so many periods, by default just enough."""
    needed = alarm["datapointsToAlarm"]
    bad = needed if lasting is None else lasting
    periods = [NORMAL | cause] * bad + [NORMAL] * (alarm["evaluationPeriods"] - bad)
    breaching = 0
    for values in periods:
        value = _value(alarm, values)
        if value is None:
            breaching += alarm["treatMissingData"] == "breaching"
        elif alarm["comparisonOperator"] == "LessThanThreshold":
            breaching += value < alarm["threshold"]
        else:
            assert alarm["comparisonOperator"] == "GreaterThanOrEqualToThreshold"
            breaching += value >= alarm["threshold"]
    return breaching >= needed


def test_an_alarm_fires_for_its_cause_and_not_before(
    alarms: dict[str, list[dict[str, Any]]],
) -> None:
    for section, cause in CAUSES.items():
        for alarm in alarms[section]:
            assert _fires(alarm, cause), alarm["alarmDescription"]
            too_short = alarm["datapointsToAlarm"] - 1
            assert not _fires(alarm, cause, too_short), alarm["alarmDescription"]


def test_every_alarm_has_a_cause_and_is_quiet_in_normal_traffic(
    alarms: dict[str, list[dict[str, Any]]],
) -> None:
    assert alarms.keys() == CAUSES.keys()
    for section in alarms.values():
        assert not [alarm["alarmDescription"] for alarm in section if _fires(alarm, {})]


def test_few_slow_calls_and_few_errors_fire_nothing(
    alarms: dict[str, list[dict[str, Any]]],
) -> None:
    (slow,) = alarms["api-latency-p99"]
    assert not _fires(slow, {**CAUSES["api-latency-p99"], "Count Sum": 99})
    # A burn-rate alarm needs all of its parts.
    few = {"5XXError Average": 0.5, "5XXError Sum": 4}
    assert not all(_fires(part, few) for part in alarms["burn-rate-fast"])


def test_the_runbook_lists_the_cause_of_each_alarm() -> None:
    page = (stack_files.ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    table = page.partition("| alarm | cause")[2].partition("\n\n")[0]
    assert re.findall(r"^\| \[([a-z0-9-]+)\]", table, re.M) == list(CAUSES)
