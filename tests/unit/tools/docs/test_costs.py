"""docs/costs.md states the fixed costs of the declared stack."""

from typing import Any

import pytest

from function.declare import registry
from local import pulumi_program, stack_files
from local.pulumi_program import Resource
from tests.conftest import declare
from tools.docs import costs

TEXT = costs.PAGE.read_text(encoding="utf-8")
PAGE = "Before.\n<!-- begin fixed costs -->\nold\n<!-- end fixed costs -->\nAfter.\n"


@pytest.mark.conformance
def test_the_page_agrees_with_the_default_stack() -> None:
    declared = pulumi_program.declared_resources(stack_files.default_stack())
    assert costs.page(TEXT, declared) == TEXT, "docs/costs.md is stale; run: make snapshot"


def _alarm(kind: str, **inputs: Any) -> Resource:
    return Resource(kind=f"aws:cloudwatch/{kind}", name="a", urn="a", parent="a", inputs=inputs)


def test_each_alarm_route_and_job_changes_its_row_and_the_sum(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ratio = [{"metric": {}}, {"metric": {}}, {"expression": "a / b"}]
    declared = [
        _alarm("metricAlarm:MetricAlarm"),
        _alarm("metricAlarm:MetricAlarm", metricQueries=ratio),
        _alarm("compositeAlarm:CompositeAlarm"),
    ]
    endpoint = registry.load_endpoints()[0]
    monkeypatch.setattr(costs, "load_endpoints", lambda: (endpoint, endpoint))
    monkeypatch.setattr(costs, "load_jobs", lambda: {"one": None})
    text = costs.page(PAGE, declared)
    assert "| 3 × 0.10 + 1 composites × 0.50 | 0.80 |" in text
    assert "(2 × 12 for routes + 1 × 7 for jobs + 1) × 0.30 | 9.60 |" in text
    assert "**13.40**" in text
    assert text.startswith("Before.\n<!--") and text.endswith("-->\nAfter.\n")


def test_a_page_without_the_marks_stays_as_it_is() -> None:
    assert costs.page("A team's own page.\n", declare()) == "A team's own page.\n"
