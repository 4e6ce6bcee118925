"""`make prove`: runs everything against the bundle as deployed and writes docs/proof.md."""

import datetime
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from local import ministack, stack_files
from local import stack as local_stack
from local.stack import LocalStack
from tools.reliability import (
    access,
    attacks,
    fake_dynamodb,
    faults,
    ledger,
    load,
    mutations,
    secrets,
)

REPORT = stack_files.ROOT / "docs" / "proof.md"
LOADS, LOAD, MIX = 4, 5_000, 20

# What other tests prove, by what they are run with.
_TESTS = (
    ("Bad input: events, by hypothesis", "tests/shipped/test_function.py"),
    ("Bad input: the document's requests, by schemathesis", "tests/test_openapi.py"),
    ("Access: two stages in one account", "tests/test_side_by_side.py"),
    ("Access: the function's role, and who may invoke it", "tests/shipped/test_permissions.py"),
    ("Access: roles in the emulator", "tests/test_authorization.py"),
    ("Access: the deployer's roles", "tests/test_deployer.py"),
)

_NOT_SHOWN = """\
| not shown here | how to see it on AWS |
| --- | --- |
| throttling by Lambda and DynamoDB themselves, at their real limits | the load of this file against \
a stack of its own, with its alarms watched |
| a Lambda sandbox that is frozen or taken between two calls | the same over a day, with \
`ColdStarts` on the dashboard |
| a failing Availability Zone or region | AWS Fault Injection Service |
| a real client's address at the edge | `make smoke` from outside |
"""


def _statuses(found: ledger.Finding) -> str:
    return ", ".join(f"{count} × {status or 'none'}" for status, count in found.statuses.items())


def _kept(broken: Iterable[str]) -> str:
    return "; ".join(list(broken)[:3]) or "kept"


class Report:
    """The text, and whether every promise was kept."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.kept = True

    def add(self, *lines: str) -> None:
        """Write lines, here and to the terminal."""
        self.lines += lines
        print("\n".join(lines), flush=True)

    def row(self, *cells: object, verdict: str = "kept") -> None:
        """Write a row whose last cell is its verdict."""
        self.kept &= verdict == "kept"
        self.add("| " + " | ".join(map(str, (*cells, verdict))) + " |")

    def table(self, title: str, *heads: str) -> None:
        """Begin a section with a table."""
        self.add("", f"## {title}", "", f"| {' | '.join(heads)} |", "| --- " * len(heads) + "|")


def _faults(stack: LocalStack, folder: Path) -> Iterator[faults.Row]:
    with fake_dynamodb.between(stack) as server:
        for kind in faults.KINDS:
            for share in faults.SHARES:
                # Of rare faults more calls, so that they happen at all.
                yield faults.run(stack, server, MIX * (5 if share < 10 else 1), kind, share)
    yield faults.kill_workers(stack, 20 * MIX)
    yield faults.kill_emulator(folder, 20 * MIX)
    yield faults.set_clock_back(stack, folder, 2 * MIX)
    yield faults.fill_logs(stack, folder, 2 * MIX)
    yield faults.end_tracer(stack, 2 * MIX)


def _running(report: Report, stack: LocalStack, folder: Path) -> None:
    report.table("Load", "requests", "seconds", "answers", "items", "emulator's memory", "promises")
    for _ in range(LOADS):
        started = time.monotonic()
        found = load.run(stack, LOAD, folder)
        report.row(
            found.calls,
            f"{time.monotonic() - started:.0f}",
            *(_statuses(found), found.stored),
            f"{load.memory_kb(load.processes(stack, emulator=True)) // 1024} MB",
            verdict=_kept(found.broken),
        )
    report.table("Faults", "fault", "of calls", "times", "answers", "items", "promises")
    for row in _faults(stack, folder):
        report.row(
            *(row.fault, row.share, row.injected, _statuses(row.finding), row.finding.stored),
            verdict=_kept(row.finding.broken) if row.injected else "did not happen",
        )
    report.table("Bad input", "on a raw socket", "times", "answers", "items", "promises")
    for attack in attacks.ATTACKS:
        found = attacks.run(stack, attack)
        report.row(
            *(attack.what, len(attack.sent), _statuses(found), found.stored),
            verdict=_kept(found.broken),
        )
    report.table("Access", "who", "times", "answers", "items", "promises")
    for who, found in access.rows(stack):
        report.row(*(who, found.calls, _statuses(found), found.stored), verdict=_kept(found.broken))
    report.table("Secrets", "looked for", "where", "promises")
    report.row(
        "API key, the function's credentials, Idempotency-Key, forged address, body",
        "logs, traces, metrics, errors, files, command lines",
        verdict=_kept(secrets.told(stack)),
    )


def _tested(report: Report) -> None:
    report.table("Bad input and access, by tests", "what", "tests", "promises")
    for what, tests in _TESTS:
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *tests.split()],
            cwd=stack_files.ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        last = ran.stdout.strip().splitlines()[-1] if ran.stdout.strip() else "nothing ran"
        report.row(what, f"`{tests}`", verdict="kept" if ran.returncode == 0 else last)


def _mutated(report: Report, folder: Path) -> None:
    report.table("Mutations", "guarantee", "broken in", "caught by", "promises")
    for mutation, test in mutations.caught(folder):
        verdict = "kept" if test else "not caught"
        report.row(mutation.guarantee, f"`{mutation.file}`", f"`{test}`", verdict=verdict)


def main() -> int:
    """Prove all; returns 1 where a promise was not kept. Takes some ten minutes on two cores."""
    ministack.clear_aws_environment()
    started, report = time.monotonic(), Report()
    today = datetime.datetime.now(datetime.UTC).date()
    report.add(
        "# Proof",
        "",
        f"Written by `make prove` on {today}: {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores, Python {platform.python_version()}, against the bundle as it is "
        "deployed, in the emulator.",
        "",
        "Promises: every 201 has its item, digit for digit; every item was answered or belongs to "
        "a call whose answer was lost or 5xx; a repeat with the same Idempotency-Key makes no "
        "second item; what callers send and what opens doors is told nowhere.",
    )
    with tempfile.TemporaryDirectory(prefix="epoch-prove-") as scratch:
        with local_stack.up("dev", config=load.CONFIG) as stack:
            _running(report, stack, Path(scratch))
        _tested(report)
        _mutated(report, Path(scratch))
    report.add("", "## Not shown", "", *_NOT_SHOWN.splitlines(), "")
    report.add(f"All in {time.monotonic() - started:.0f} s.")
    REPORT.write_text("\n".join(report.lines) + "\n", "utf-8")
    return 0 if report.kept else 1


if __name__ == "__main__":
    sys.exit(main())
