"""The page with the results of the benchmark."""

from typing import Any

from tools.bench import report


def _results() -> dict[str, Any]:
    """Return results of a full run, of which most figures are 3."""
    cases = ("epoch", "epoch_body", "epoch_jwt", "boto3_client", "pydynox")
    figures = ("wait_ms", "cold_cpu_ms", "warm_cpu_us", "peak_rss_mb")
    one = dict.fromkeys((*report._GROWTH, "engine_queues_s"), 3)
    local = {"save_code_s": 3, "save_declaration_s": 3, "requests_per_s": {"32": 600}}
    return {figure: dict.fromkeys(cases, 3) for figure in figures} | {
        "commands": {"demo": 3, "lint": 3, "test": 1234.5},
        "growth": {"1": one, "10": one, "100": one},
        "local_run": local,
        "bundle_zip_mb": 2.04,
    }


def _row(text: str, title: str) -> list[str]:
    """Return the cells of the first row with a title."""
    (row, *_) = [line for line in text.splitlines() if line.startswith(f"| {title} |")]
    return [cell.strip() for cell in row.split("|")[2:-1]]


def test_a_row_compares_epoch_with_an_alternative() -> None:
    results = _results()
    results["peak_rss_mb"] |= {"epoch": 33.1, "pydynox": 36.2}
    cells = _row(report.text(results, "today"), "memory")
    assert cells == ["33.1 MB", "pydynox (Rust): 36.2 MB", "0.91", "≤ 0.95"]


def test_a_row_compares_a_figure_with_its_limit() -> None:
    text = report.text(_results(), "today")
    assert _row(text, "zipped bundle") == ["2.04 MB", "limit: 2.20 MB", "0.93", "≤ 1"]
    assert _row(text, "`make test`") == ["1,234 s", "limit: 60.0 s", "20.57", "≤ 1"]
    assert _row(text, "`make local`: responses to 32 clients")[2:] == ["1.20", "≥ 1"]


def test_the_engine_has_no_figures_without_its_cli() -> None:
    results = _results()
    for one in results["growth"].values():
        one.pop("engine_up_s", None)
    text = report.text(results, "today")
    title = next(row[0] for row in report._ROWS if "engine_up_s" in row[1])
    assert _row(text, title) == ["no Pulumi CLI", "limit: 15.0 s", "", "≤ 1"]
    assert "saved to a folder" not in text
