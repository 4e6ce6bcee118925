"""`make test-reliability`: tests the bundle under load and faults; writes docs/proof.md.

It does what tests cannot: many requests, many faults, and changes of the code that break a
guarantee. The tests cover bad input, permissions and secrets.
"""

import datetime
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from local import local_stack, ministack, stack_files
from local.local_stack import LocalStack
from tools import post_epoch
from tools.reliability import consistency, fake_dynamodb, faults, load, mutations

REPORT = stack_files.ROOT / "docs" / "proof.md"
LOADS, LOAD, MIX = 4, 5_000, 20

_LIMITATIONS = """\
| not tested here | how to test it on AWS |
| --- | --- |
| throttling by Lambda and DynamoDB themselves, at their real limits | the load of this file against \
a stack of its own, with its alarms watched |
| a Lambda sandbox that is frozen or taken between two calls | the same over a day, with \
`ColdStarts` on the dashboard |
| a failing Availability Zone or region | AWS Fault Injection Service |
| a real client's address at the edge | `make smoke` from outside |
"""


def _statuses(found: consistency.Finding) -> str:
    return ", ".join(f"{count} × {status or 'none'}" for status, count in found.statuses.items())


def _verdict(violations: Iterable[str]) -> str:
    return "; ".join(list(violations)[:3]) or "passed"


class Report:
    """The text of the report, and the overall verdict."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.passed = True

    def add(self, *lines: str) -> None:
        """Add lines to the report and print them."""
        self.lines += lines
        print("\n".join(lines), flush=True)

    def row(self, *cells: object, verdict: str = "passed") -> None:
        """Add a row; its last cell is the verdict."""
        self.passed &= verdict == "passed"
        self.add("| " + " | ".join(map(str, (*cells, verdict))) + " |")

    def table(self, title: str, *heads: str) -> None:
        """Add a section with a table."""
        self.add("", f"## {title}", "", f"| {' | '.join(heads)} |", "| --- " * len(heads) + "|")


def _loads(report: Report, stack: LocalStack) -> None:
    report.table("Load", "requests", "seconds", "responses", "items", "emulator's memory", "result")
    for _ in range(LOADS):
        started = time.monotonic()
        found = load.run(stack, LOAD)
        report.row(
            found.calls,
            f"{time.monotonic() - started:.0f}",
            *(_statuses(found), found.stored),
            f"{load.memory_kb(load.processes(stack, emulator=True)) // 1024} MB",
            verdict=_verdict(found.violations),
        )


def _rows(stack: LocalStack, folder: Path) -> Iterator[faults.Row]:
    with fake_dynamodb.between(stack) as server:
        for kind in faults.FAULTS:
            for share in faults.SHARES:
                # A rare fault needs more requests to occur at all.
                yield faults.run(stack, server, MIX * (5 if share < 10 else 1), kind, share)
    yield faults.kill_workers(stack, 20 * MIX)
    yield faults.kill_emulator(folder, 20 * MIX)


def _faults(report: Report, stack: LocalStack, folder: Path) -> None:
    report.table("Faults", "fault", "of calls", "times", "responses", "items", "result")
    for row in _rows(stack, folder):
        report.row(
            *(row.fault, row.share, row.injected, _statuses(row.finding), row.finding.stored),
            verdict=_verdict(row.finding.violations) if row.injected else "did not happen",
        )


def _mutations(report: Report, folder: Path) -> None:
    report.table("Mutations", "guarantee", "broken in", "caught by", "result")
    for mutation, test in mutations.caught(folder):
        verdict = "passed" if test else "not caught"
        report.row(mutation.guarantee, f"`{mutation.file}`", f"`{test}`", verdict=verdict)


def main() -> int:
    """Run all tests for some ten minutes; return 1 if one fails."""
    if not post_epoch.is_declared():
        print(f"Not run: tools/reliability tests {post_epoch.ROUTE}, which is not declared.")
        return 0
    ministack.clear_aws_environment()
    started, report = time.monotonic(), Report()
    today = datetime.datetime.now(datetime.UTC).date()
    report.add(
        "# Reliability report",
        "",
        f"Written by `make test-reliability` on {today}: {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores, Python {platform.python_version()}, against the bundle as it is "
        "deployed, in the emulator. File names are those of that day.",
        "",
        "A row passes if: every 201 has its item, digit for digit; every other item belongs to a "
        "request whose response was lost or a 5xx; a retry with the same Idempotency-Key stores no "
        "second item.",
    )
    with tempfile.TemporaryDirectory(prefix="epoch-reliability-") as scratch:
        with local_stack.up(stack_files.default_stack(), config=load.CONFIG) as stack:
            _loads(report, stack)
            _faults(report, stack, Path(scratch))
        _mutations(report, Path(scratch))
    report.add("", "## Limitations", "", *_LIMITATIONS.splitlines(), "")
    report.add(f"All in {time.monotonic() - started:.0f} s.")
    REPORT.write_text("\n".join(report.lines) + "\n", "utf-8")
    return 0 if report.passed else 1


if __name__ == "__main__":
    sys.exit(main())
