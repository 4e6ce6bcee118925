"""Metrics of log lines: a line in another format has no effect."""

import json
from typing import Any

import pytest

from emulator import cloudwatch_metrics


def _line(**changed: Any) -> str:
    directive = {"Namespace": "Shop", "Dimensions": [["Route"]], "Metrics": [{"Name": "Paid"}]}
    return json.dumps(
        {"_aws": {"CloudWatchMetrics": [directive]}, "Route": "POST /", "Paid": 2, **changed}
    )


@pytest.mark.parametrize(
    "other",
    (
        "[" * 100_000,
        '{"a":' * 100_000,
        "text",
        "null",
        '{"_aws": []}',
        '{"_aws": {"CloudWatchMetrics": [1]}}',
        '{"_aws": {"CloudWatchMetrics": [{"Dimensions": [[]], "Metrics": ["Paid"]}]}}',
        _line(Paid=[1]),
        _line(Paid=float("nan")),
        _line(Paid="many"),
    ),
    ids=range(10),
)
def test_only_lines_in_the_embedded_format_are_metrics(
    other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded: list[tuple[Any, ...]] = []
    monkeypatch.setattr(cloudwatch_metrics, "record_metric", lambda *each: recorded.append(each))
    cloudwatch_metrics.record_log_lines([_line(), other, _line(Paid=3)])
    expected = [("Shop", "Paid", value, "None", {"Route": "POST /"}) for value in (2.0, 3.0)]
    assert recorded == expected
