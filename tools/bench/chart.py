"""Draws the results of a full run as `docs/bench.svg`."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from console import svg
from local.stack_files import ROOT

CHART = ROOT / "docs" / "bench.svg"

# Figure in the results, title, unit, and the cases in the chart.
_CASES = ("powertools", "boto3_client", "epoch_body", "epoch_jwt", "epoch", "pydynox")
_SOURCES = ("powertools_sources", "boto3_client_sources", "pydynox_sources")
CHARTS = (
    (
        "cold_cpu_ms",
        "Cold start to the first answer, CPU",
        "ms",
        (*_SOURCES, *_CASES, "raw_http"),
    ),
    ("warm_cpu_us", "A warm call, CPU", "µs", _CASES),
    ("peak_rss_mb", "Peak memory", "MB", _CASES),
)
_NAMES = {
    "epoch": "this function",
    "epoch_body": "this function, with a declared body",
    "epoch_jwt": "this function, with a token",
    "boto3_client": "boto3 client",
    "powertools": "Powertools + boto3",
    "pydynox": "pydynox (Rust)",
    "raw_http": "http.client by hand",
}
_WIDE, _LEFT, _ROW = 720, 270, 24


def machine() -> str:
    """Return the name of the processor and the number of cores."""
    known = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.+)", known.read_text("utf-8")) if known.exists() else None
    return f"{found[1] if found else 'unknown processor'}, {os.cpu_count()} cores"


def _name(case: str) -> str:
    bare = case.removesuffix("_sources")
    return _NAMES[bare] + (", sources only" if case != bare else "")


def _shapes(results: Mapping[str, Any], footer: str) -> Iterator[str]:
    y = 36.0
    for figure, title, unit, cases in CHARTS:
        yield svg.text((24, y), title, "strong", 15)
        values = sorted(((results[figure][case], case) for case in cases), reverse=True)
        most = values[0][0]
        for value, case in values:
            y += _ROW
            length = (_WIDE - _LEFT - 130) * value / most
            own = case == "epoch"
            yield svg.text((_LEFT - 12, y), _name(case), "strong" if own else "plain", 13, "end")
            yield svg.box((_LEFT, y - 12), (length, 15), "pill" if own else "chip", 3)
            shown = f"{value:,.0f} {unit} · {value / results[figure]['epoch']:.2f}"
            yield svg.text((_LEFT + length + 8, y), shown, "quiet", 13)
        y += 44
    yield svg.text((24, y - 8), footer, "quiet", 12)


def draw(results: Mapping[str, Any], conditions: str) -> None:
    """Write the chart, with the date and the machine of the measurement."""
    footer = f"{conditions}; with ratio"
    rows = sum(len(cases) for *_, cases in CHARTS)
    size = (_WIDE, rows * _ROW + len(CHARTS) * 44 + 48)
    title = "What the function costs, side by side"
    CHART.write_text(svg.document(size, title, footer, _shapes(results, footer)), "utf-8")
