"""The dashboard: its grid, its rows and CloudWatch's limits."""

import pytest

import function.declare.registry
from local import pulumi_program
from tests.conftest import STACK, alarms_of, declare, plain
from tests.unit.components.monitoring.test_component import ADDED, dashboard


@pytest.mark.conformance
def test_the_dashboard_starts_with_the_objective_and_fills_its_grid() -> None:
    widgets = dashboard(declare())["widgets"]
    assert widgets[0]["properties"]["title"].startswith("SLO: 99.9%")
    assert (widgets[0]["x"], widgets[0]["y"]) == (0, 0)
    rows: dict[int, int] = {}
    for widget in widgets:
        assert widget["x"] == rows.get(widget["y"], 0)
        rows[widget["y"]] = widget["x"] + widget["width"]
    assert set(rows.values()) == {24}
    shown = [one["properties"]["alarms"] for one in widgets if one["type"] == "alarm"]
    assert sum(map(len, shown)) == len(
        [alarm for alarm in alarms_of(declare()).values() if "alarmActions" in alarm]
    )


def test_a_hundred_endpoints_fit_into_what_cloudwatch_shows_on_adashboard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    endpoints = [ADDED._replace(path=f"/added/{{key}}/{number}") for number in range(100)]
    monkeypatch.setattr(function.declare.registry, "load_endpoints", lambda: tuple(endpoints))
    resources = pulumi_program.declared_resources(STACK, config=plain())
    shown = [widget["properties"] for widget in dashboard(resources)["widgets"]]
    assert len(shown) <= 500
    assert sum(len(properties.get("metrics", ())) for properties in shown) <= 2_500
    alarms = [properties["alarms"] for properties in shown if "alarms" in properties]
    assert max(map(len, alarms)) <= 100
    assert len({arn for arns in alarms for arn in arns}) == len(
        [alarm for alarm in alarms_of(resources).values() if "alarmActions" in alarm]
    )
