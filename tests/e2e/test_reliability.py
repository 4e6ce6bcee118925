"""The short form of `make test-reliability`; the long one writes docs/proof.md."""

from pathlib import Path

import pytest

from local.local_stack import LocalStack
from tools import post_epoch
from tools.reliability import consistency, fake_dynamodb, faults, load

pytestmark = pytest.mark.skipif(
    not post_epoch.is_declared(), reason="the reliability run tests POST /epoch"
)


def test_load_loses_and_doubles_nothing(local: LocalStack) -> None:
    found = load.run(local, 300)
    assert not found.violations and found.calls == 300
    assert set(found.statuses) <= {201, 429}


@pytest.mark.parametrize("kind", ("cut", "html"))
def test_faults_lose_and_double_nothing(local: LocalStack, kind: str) -> None:
    with fake_dynamodb.between(local) as server:
        row = faults.run(local, server, 16, kind, 50)
    assert row.injected and not row.finding.violations


def test_killed_workers_lose_and_double_nothing(local: LocalStack) -> None:
    row = faults.kill_workers(local, 100)
    assert row.injected and not row.finding.violations


def test_a_killed_emulator_gives_back_what_it_confirmed(tmp_path: Path) -> None:
    row = faults.kill_emulator(tmp_path, 100)
    assert row.finding.statuses[201] and row.finding.statuses[0] and not row.finding.violations


def test_the_ledger_sees_what_is_lost_doubled_and_untrue() -> None:
    body = '{"key": "a", "epoch": 1.5, "ip": "::1"}'
    item = {"key": {"S": "a"}, "epoch": {"N": "1.5"}, "ip": {"S": "::1"}}
    told = consistency.Call("g", 201, body)
    assert not consistency.compare([told], {}, {"a": item}).violations
    assert consistency.compare([told], {}, {}).violations
    assert consistency.compare([told], {}, {"a": item | {"epoch": {"N": "1.50"}}}).violations
    other = consistency.Call("g", 201, body.replace('"a"', '"b"'))
    assert consistency.compare(
        [told, other], {}, {"a": item, "b": item | {"key": {"S": "b"}}}
    ).violations
    assert consistency.compare([told], {}, {"a": item, "b": item}).violations
    assert not consistency.compare(
        [told, consistency.Call("h", 503, "")], {}, {"a": item, "b": item}
    ).violations
    cut = consistency.Call("g", 503, "")
    assert consistency.compare([cut, told], {}, {"a": item, "b": item}).violations
    assert consistency.compare([], {"a": item}, {}).violations
