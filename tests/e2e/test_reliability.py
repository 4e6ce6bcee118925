"""The short form of `make test-reliability`; the long one writes docs/proof.md."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local import local_stack
from local.local_stack import LocalStack
from tests.conftest import STACK
from tools import post_epoch
from tools.reliability import (
    authorization,
    consistency,
    fake_dynamodb,
    faults,
    leaks,
    load,
    malformed_requests,
)

pytestmark = pytest.mark.skipif(
    not post_epoch.is_declared(), reason="the reliability run tests POST /epoch"
)


@pytest.fixture(scope="module")
def unbounded() -> Iterator[LocalStack]:
    """Return a stack of these tests' own, whose callers nothing throttles."""
    with local_stack.up(STACK, config=load.CONFIG) as stack:
        yield stack


def test_load_loses_and_doubles_nothing(local: LocalStack, tmp_path: Path) -> None:
    found = load.run(local, 300, tmp_path)
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


def test_nothing_around_the_function_loses_or_doubles(
    unbounded: LocalStack, tmp_path: Path
) -> None:
    rows = (
        faults.set_clock_back(unbounded, tmp_path, 4),
        faults.fill_logs(unbounded, tmp_path, 4),
        faults.stop_xray_daemon(unbounded, 4),
    )
    # A call that a busy machine delays is a 503.
    assert all(row.injected and 201 in row.finding.statuses for row in rows)
    assert all({201, 503} >= row.finding.statuses.keys() for row in rows)
    assert not any(row.finding.violations for row in rows)


@pytest.mark.parametrize("attack", malformed_requests.ATTACKS, ids=lambda attack: attack.what)
def test_no_request_records_more_than_it_may(
    unbounded: LocalStack, attack: malformed_requests.Attack
) -> None:
    assert not malformed_requests.run(unbounded, attack).violations


def test_who_may_not_records_nothing(unbounded: LocalStack) -> None:
    assert not [row for row in authorization.rows(unbounded) if row.finding.violations]


def test_nothing_that_a_caller_sends_is_told(local: LocalStack) -> None:
    assert not leaks.find(local)


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
