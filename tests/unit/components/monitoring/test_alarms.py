"""The alarms and their runbook."""

import re

import pytest

from components.monitoring.alarms import BURN_RATES
from local import pulumi_program
from local.stack_files import ROOT
from tests.conftest import NAME, STACK, alarms_of, declare, plain

TOPIC = f"arn:aws:sns:eu-central-1:123456789012:{NAME}"


@pytest.mark.conformance
@pytest.mark.usefixtures("authorizers", "jobs")
def test_every_alarm_links_to_its_section_of_the_runbook_and_every_section_has_an_alarm() -> None:
    runbook = (ROOT / "docs" / "operations.md").read_text()
    part = runbook.partition("## Alarms")[2].partition("\n## ")[0]
    sections = set(re.findall(r"^### (\S+)$", part, re.M))
    linked = set()
    for name, alarm in alarms_of(pulumi_program.declared_resources(STACK, config=plain())).items():
        meaning, _, address = alarm["alarmDescription"].partition(" Runbook: ")
        file, _, section = address.partition("#")
        assert meaning and file == "docs/operations.md" and name.startswith(section)
        linked.add(section)
    assert linked == sections


@pytest.mark.conformance
def test_every_alarm_notifies_but_the_parts_of_burn_rates() -> None:
    for name, alarm in alarms_of(declare()).items():
        part = name.startswith("burn-rate-") and name.count("-") == 3
        assert ("alarmActions" in alarm) == ("okActions" in alarm) == (not part), name
        assert part or alarm["alarmActions"] == [TOPIC]
        # A schedule that reports nothing has stopped.
        if not name.startswith("job-stopped"):
            assert alarm.get("treatMissingData", "notBreaching") == "notBreaching", name


def test_burn_rates_spend_the_budget_that_they_say() -> None:
    alarms = alarms_of(declare())
    month_s = 30 * 86_400
    for rate in BURN_RATES:
        (share,) = re.findall(r"^(\d+) %", rate.description)
        assert rate.rate * rate.long_s / month_s == pytest.approx(int(share) / 100)
        parts = re.findall(rf'ALARM\("{NAME}-(\S+)"\)', alarms[rate.name]["alarmRule"])
        long, short, count = (alarms[part] for part in parts)
        for alarm, window in ((long, rate.long_s), (short, rate.long_s / 12), (count, rate.long_s)):
            assert alarm["period"] == window and alarm["evaluationPeriods"] == 1
        assert long["threshold"] == short["threshold"] == pytest.approx(rate.rate * 0.001)
        assert long["statistic"] == short["statistic"] == "Average"
        assert count["threshold"] == 5 and count["statistic"] == "Sum"


def test_limits_follow_the_config() -> None:
    alarms = alarms_of(declare(timeout_s="20", reserved_concurrency="50"))
    assert alarms["function-duration"]["threshold"] == 16_000
    assert alarms["function-concurrency"]["threshold"] == 40
    assert alarms_of(declare())["function-concurrency"]["threshold"] == 800
