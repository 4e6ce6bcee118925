"""Writes the results of a full run as `docs/bench.md`."""

from collections.abc import Iterator, Mapping
from typing import Any

from local.stack_files import ROOT

PAGE = ROOT / "docs" / "bench.md"
_TEXT = """\
# Benchmark results

Written by `make bench` on {conditions}.

![CPU of a cold start, CPU of a warm call, and memory, side by side](bench.svg)

A ratio is the measured value divided by the value in the column before it.

| figure | measured | compared with | ratio | goal |
| --- | --- | --- | --- | --- |
{rows}

- CPU is the user and system time of all threads. A cold start ends with the first response.
- Lambda starts a function with a full vCPU, and then gives it a share by its memory. So the wait counts the CPU of the first request
  {weight:.2f} times, as for prod's {memory:,} MB.
- The commands run in a copy of the project, with installed packages and without caches of linters. `make demo` runs five
  times and Epoch's `pulumi up` three times. The medians count.
- The state of `pulumi up` is in memory if the system has `/dev/shm`: a disk adds up to a fifth, and differs from run to run.
- `pulumi up` depends on the machine, as the queues show. A plain program also stores the call stacks of its resources, which are
  half of its time. Epoch leaves them out.

## Many endpoints

Every fifth endpoint comes with a table and a job. `pulumi up` creates a new stack with a provider that responds at once. AWS's own
time comes on top.

| | {counts} |
| --- |{lines}
{growth}
"""

# AWS gives a function the equivalent of one vCPU at this memory, and a share below it.
_VCPU_MB = 1_769
_PROD_MB = 1_024
WEIGHT = _VCPU_MB / _PROD_MB

_Path = tuple[str, ...]
_CASES = {
    "epoch": "Epoch",
    "boto3_client": "boto3 with bytecode",
    "pydynox": "pydynox (Rust)",
    "engine_queues_s": "500 queues in plain Pulumi",
}
_COLD, _WARM = "CPU of a cold start", "CPU of a warm call"
_WAIT = "wait for a cold start in prod"
_LARGE = "100 endpoints, 20 tables and 20 jobs"
_UP = f"first `pulumi up`, {_LARGE}"
# The title, the result, its unit, the result or the limit beside it, and the goal of the ratio.
_ROWS: tuple[tuple[str, _Path, str, _Path | float, str], ...] = (
    (_WAIT, ("wait_ms", "epoch"), "ms", ("wait_ms", "pydynox"), "≤ 0.95"),
    (_WAIT, ("wait_ms", "epoch"), "ms", ("wait_ms", "boto3_client"), "≤ 0.62"),
    (_COLD, ("cold_cpu_ms", "epoch"), "ms", ("cold_cpu_ms", "pydynox"), ""),
    (_COLD, ("cold_cpu_ms", "epoch"), "ms", ("cold_cpu_ms", "boto3_client"), ""),
    (_WARM, ("warm_cpu_us", "epoch"), "µs", ("warm_cpu_us", "boto3_client"), "≤ 0.90"),
    ("memory", ("peak_rss_mb", "epoch"), "MB", ("peak_rss_mb", "pydynox"), "≤ 0.95"),
    *(
        (f"{title}, {added}", (figure, case), unit, (figure, "epoch"), "≤ 1.10")
        for case, added in (("epoch_body", "with a body"), ("epoch_jwt", "with a token"))
        for title, figure, unit in ((_COLD, "cold_cpu_ms", "ms"), (_WARM, "warm_cpu_us", "µs"))
    ),
    ("zipped bundle", ("bundle_zip_mb",), "MB", 2.2, "≤ 1"),
    (
        "`make local`: from a saved handler to its response",
        ("local_run", "save_code_s"),
        "s",
        0.7,
        "≤ 1",
    ),
    (
        "`make local`: from a saved declaration to its response",
        ("local_run", "save_declaration_s"),
        "s",
        1.5,
        "≤ 1",
    ),
    (
        "`make local`: responses to 32 clients",
        ("local_run", "requests_per_s", "32"),
        "per s",
        500,
        "≥ 1",
    ),
    ("`make demo`, again", ("commands", "demo"), "s", 2, "≤ 1"),
    ("`make lint`", ("commands", "lint"), "s", 30, "≤ 1"),
    ("`make test`", ("commands", "test"), "s", 60, "≤ 1"),
    (f"CPU of the program, {_LARGE}", ("growth", "100", "program_cpu_s"), "s", 2, "≤ 1"),
    (_UP, ("growth", "100", "engine_up_s"), "s", 15, "≤ 1"),
    (_UP, ("growth", "100", "engine_up_s"), "s", ("growth", "100", "engine_queues_s"), ""),
)
_GROWTH = {
    "resources": "resources",
    "program_cpu_s": "CPU of the program under mocks, s",
    "up_s": "start of the local run, s",
    "engine_preview_s": "`pulumi preview`, s",
    "engine_up_s": "first `pulumi up`; the state saved to a folder at each step, compressed, s",
    "engine_1_save_s": "first `pulumi up`; the state saved once, s",
}


def _found(results: Any, path: _Path) -> float | None:
    for name in path:
        results = results.get(name, {})
    return results or None


def _number(value: float) -> str:
    return f"{value:,.{0 if value >= 100 else 1 if value >= 10 else 2}f}"


def _rows(results: Mapping[str, Any]) -> Iterator[str]:
    for title, path, unit, reference, goal in _ROWS:
        if isinstance(reference, tuple):
            other = _found(results, reference)
            name = f"{_CASES[reference[-1]]}: "
        else:
            other, name = reference, "limit: "
        own = _found(results, path)
        measured, beside = (
            f"{_number(one)} {unit}" if one else "no Pulumi CLI" for one in (own, other)
        )
        ratio = f"{own / other:.2f}" if own and other else ""
        yield f"| {title} | {measured} | {name}{beside} | {ratio} | {goal} |"


def text(results: Mapping[str, Any], conditions: str) -> str:
    """Return the page with the results of a full run."""
    growth = results["growth"]
    return _TEXT.format(
        conditions=conditions,
        rows="\n".join(_rows(results)),
        weight=WEIGHT,
        memory=_PROD_MB,
        counts=" | ".join("1 endpoint" if one == "1" else f"{one} endpoints" for one in growth),
        lines=" --- |" * len(growth),
        growth="\n".join(
            f"| {title} | {' | '.join(f'{one[name]:,}' for one in growth.values())} |"
            for name, title in _GROWTH.items()
            if name in growth["1"]
        ),
    )
