"""The short form of `make prove`; the long one writes docs/proof.md."""

from pathlib import Path

import pytest

from local.deploy import LocalStack
from prove import faults, ledger, load, secrets
from tests import faulty


def test_load_loses_and_doubles_nothing(local: LocalStack, tmp_path: Path) -> None:
    found = load.run(local, 300, tmp_path)
    assert not found.broken and found.calls == 300
    assert set(found.statuses) <= {201, 429}


@pytest.mark.parametrize("kind", ("throttled", "cut", "drop", "html"))
def test_faults_lose_and_double_nothing(local: LocalStack, kind: str) -> None:
    with faulty.between(local) as server:
        row = faults.run(local, server, 16, kind, 50)
    assert row.injected and not row.finding.broken


def test_killed_workers_lose_and_double_nothing(local: LocalStack) -> None:
    row = faults.kill_workers(local, 100)
    assert row.injected and not row.finding.broken


def test_nothing_that_a_caller_sends_is_told(local: LocalStack) -> None:
    assert not secrets.told(local)


def test_the_ledger_sees_what_is_lost_doubled_and_untrue() -> None:
    body = '{"key": "a", "epoch": 1.5, "ip": "::1"}'
    item = {"key": {"S": "a"}, "epoch": {"N": "1.5"}, "ip": {"S": "::1"}}
    told = ledger.Call("g", 201, body)
    assert not ledger.compare([told], {}, {"a": item}).broken
    assert ledger.compare([told], {}, {}).broken
    assert ledger.compare([told], {}, {"a": item | {"epoch": {"N": "1.50"}}}).broken
    other = ledger.Call("g", 201, body.replace('"a"', '"b"'))
    assert ledger.compare([told, other], {}, {"a": item, "b": item | {"key": {"S": "b"}}}).broken
    assert ledger.compare([told], {}, {"a": item, "b": item}).broken
    assert not ledger.compare([told, ledger.Call("h", 503, "")], {}, {"a": item, "b": item}).broken
    assert ledger.compare([], {"a": item}, {}).broken
