"""Each case of the benchmark makes the same PutItem, and the benchmark refuses another one."""

import json
from pathlib import Path
from typing import Any

import pytest

from tools.bench import build, chart, fake_dynamodb, system

TARGET = "DynamoDB_20120810.PutItem"
CALL: dict[str, Any] = {
    "Item": {"key": {"S": "k"}, "epoch": {"N": "1"}, "ip": {"S": "192.0.2.1"}},
    "ConditionExpression": "attribute_not_exists(#key)",
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}


@pytest.mark.parametrize(
    ("target", "change", "why"),
    (
        (TARGET, {}, ""),
        ("DynamoDB_20120810.GetItem", {}, "not PutItem"),
        (TARGET, {"Item": {"key": {"S": "k"}}}, "an item of"),
        (TARGET, {"ConditionExpression": ""}, "no condition"),
        (TARGET, {"ReturnValuesOnConditionCheckFailure": "NONE"}, "no return"),
    ),
)
def test_the_stand_in_takes_the_one_call_that_is_measured(
    target: str, change: dict[str, Any], why: str
) -> None:
    found = fake_dynamodb.difference(target, json.dumps({**CALL, **change}).encode())
    assert found.startswith(why) and bool(found) == bool(why)


def test_the_picture_shows_figures_day_and_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(chart, "CHART", tmp_path / "bench.svg")
    names = ("boto3_client", "powertools", "pydynox", "raw_http", *build.OWN)
    cases = {name: 100.0 for name in (*names, *(f"{name}_sources" for name in names))}
    figures = {figure: cases | {"epoch": 77.0} for figure, *_ in chart.CHARTS}
    chart.draw({**figures, "python": "Python 3.13.0 (main)"}, 13)
    drawn = (tmp_path / "bench.svg").read_text("utf-8")
    assert (
        "77 ms · 1.00" in drawn
        and "100 ms · 1.30" in drawn
        and "Python 3.13.0" in drawn
        and "cores" in drawn
    )


@pytest.mark.parametrize("engines", ({"engine_preview_s": 2.5, "engine_up_s": 5.0}, {}))
def test_what_surrounds_the_function_is_told_by_endpoints_and_clients(
    engines: dict[str, float],
) -> None:
    figures = {"resources": 47, "program_cpu_s": 0.5, "first_201_s": 2.0, **engines}
    load = {"warm_ms": 4.0, "requests_per_s": {"1": 200.0, "8": 300.0}}
    growth = {str(count): figures for count in system.ENDPOINTS}
    head, *rows, warm, rates = system.table({"growth": growth, "local_run": load})
    assert head.split() == ["endpoints", *figures]
    missing = [row for row in rows[len(growth) :] if "CLI is not installed" in row]
    assert len(missing) == (not engines) and len(rows) == len(growth) + len(missing)
    assert warm == "local run: warm_ms 4.0" and rates.endswith("{'1': 200.0, '8': 300.0}")


def test_pulumis_engine_is_measured_only_where_it_is_at_hand(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(system.pulumi_cli, "ROOT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not system._engine(tmp_path)
