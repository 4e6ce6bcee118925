"""Faults between function and DynamoDB, in mixes, and of what surrounds the function."""

import json
import os
import random
import signal
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any, NamedTuple

from local import stack as local_stack
from local.stack import LocalStack
from tools.reliability import fake_dynamodb, ledger, load

SHARES = (1, 10, 50)
_CALLERS = 8

# By name in tools/reliability/fake_dynamodb.py: what happens to a call.
KINDS = {
    "throttled": "ThrottlingException",
    "limited": "RequestLimitExceeded",
    "over capacity": "ProvisionedThroughputExceededException",
    "conflict": "TransactionConflictException",
    "broken": "500 InternalServerError",
    "denied": "400 AccessDeniedException",
    "expired": "credentials expired",
    "slow": "answer after the timeout",
    "drip": "dripping answer",
    "cut": "connection cut before the write",
    "drop": "connection cut after the write",
    "truncated": "truncated answer after the write",
    "html": "200 that is not DynamoDB's",
    "empty": "200 with nothing in it",
}


# What a worker meets that starts with this as its sitecustomize.py.
_BACK_S = 3_600
_CLOCK = f"""
import time
now_ns = time.time_ns
time.time_ns = lambda: now_ns() - {_BACK_S} * 10**9
time.time = lambda: time.time_ns() / 1e9
"""
_LOGS = """
import sys

class Full:
    def write(self, text):
        with open(__file__ + ".refused", "a") as refused:
            refused.write(".")
        raise OSError(28, "No space left on device")

    def flush(self):
        pass

sys.stderr = Full()
"""


class Row(NamedTuple):
    """A fault, in which of the calls it was, how often it happened, and what came of it."""

    fault: str
    share: str
    injected: int
    finding: ledger.Finding


def _post(stack: LocalStack, given: str) -> ledger.Call:
    try:
        reply = stack.call({"Idempotency-Key": given})
        return ledger.Call(given, reply.status, reply.body)
    except (OSError, HTTPException):
        return ledger.Call(given, 0, "")


def _keys(count: int) -> list[str]:
    return [str(uuid.uuid4()) for _ in range(count)]


def _calls(
    stack: LocalStack, given: Sequence[str], halfway: Callable[[], None] = lambda: None
) -> list[ledger.Call]:
    """Send requests side by side; what was not recorded is repeated, as callers would."""

    def post(number: int, key: str) -> ledger.Call:
        if number == len(given) // 2:
            halfway()
        return _post(stack, key)

    with ThreadPoolExecutor(_CALLERS) as callers:
        first = list(callers.map(post, range(len(given)), given))
        again = [call.given for call in first if call.status != 201]
        return first + list(callers.map(lambda key: _post(stack, key), again))


def run(
    stack: LocalStack, server: fake_dynamodb.Storage, requests: int, kind: str, share: int
) -> Row:
    """Send so many requests through a mix in which a fault has a share of the calls, in percent.

    `server` stands between the stack and its DynamoDB.
    """
    before = ledger.items(stack)
    of = 100 // share  # calls, of which one meets it
    mix = [
        fault
        for _ in range(requests * 4 // of)
        for fault in random.sample([kind, *[""] * (of - 1)], of)
    ]
    server.faults = list(mix)
    calls = _calls(stack, _keys(requests))
    met = mix[: len(mix) - len(server.faults)].count(kind)
    server.faults = []
    found = ledger.compare(calls, before, ledger.items(stack))
    return Row(KINDS[kind], f"{share} %", met, found)


def kill_workers(stack: LocalStack, requests: int) -> Row:
    """Kill a worker every 0.3 seconds while requests come."""
    before, done, killed = ledger.items(stack), threading.Event(), []

    def kill() -> None:
        over = False
        while not over:
            for worker in list(load.processes(stack, emulator=False))[:1]:
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
                    killed.append(worker)
            over = done.wait(0.3)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        calls = _calls(stack, _keys(requests))
    finally:
        done.set()
        thread.join()
    found = ledger.compare(calls, before, ledger.items(stack))
    return Row("worker killed", "every 0.3 s", len(killed), found)


def kill_emulator(folder: Path, requests: int) -> Row:
    """Kill an emulator while requests come, and start another one on its data."""

    def up() -> Any:
        kept = {"EPOCH_PERSIST_FILE": str(folder / "tables.jsonl")}
        return local_stack.up("dev", config=load.CONFIG, environment=kept)

    with up() as stack:
        calls = _calls(stack, _keys(requests // 10))
        (emulator,) = load.processes(stack, emulator=True)
        calls += _calls(stack, _keys(requests), lambda: os.kill(emulator, signal.SIGKILL))
    with up() as again:
        calls += _calls(again, _keys(requests // 10))
        found = ledger.compare(calls, {}, ledger.items(again))
    return Row("emulator killed, started again on its data", "once", 1, found)


@contextmanager
def _surrounded(stack: LocalStack, folder: Path, by: str) -> Iterator[Path]:
    """Let the function's workers begin with a piece of Python."""
    folder.mkdir()
    file = folder / "sitecustomize.py"
    file.write_text(by, "utf-8")
    with fake_dynamodb.settings(stack, PYTHONPATH=str(folder)):
        yield file


def set_clock_back(stack: LocalStack, folder: Path, requests: int) -> Row:
    """Set the function's clock back an hour between two halves, the first of which is repeated."""
    before, given = ledger.items(stack), _keys(requests)
    calls = _calls(stack, given)
    with _surrounded(stack, folder / "clock", _CLOCK):
        calls += _calls(stack, [*given, *_keys(requests)])
    found = ledger.compare(calls, before, ledger.items(stack))
    told = {call.body for call in calls if call.status == 201}
    epochs = sorted(json.loads(body)["epoch"] for body in told)
    late = sum(epoch < epochs[-1] - _BACK_S / 2 for epoch in epochs)
    return Row("clock set back an hour", "the second half", late, found)


def fill_logs(stack: LocalStack, folder: Path, requests: int) -> Row:
    """Let no log line be written."""
    before = ledger.items(stack)
    with _surrounded(stack, folder / "logs", _LOGS) as file:
        calls = _calls(stack, _keys(requests))
        refused = file.with_name(f"{file.name}.refused")
        count = refused.stat().st_size if refused.exists() else 0
    return Row(
        "logs unwritable", "100 %", count, ledger.compare(calls, before, ledger.items(stack))
    )


def end_tracer(stack: LocalStack, requests: int) -> Row:
    """Send traces to where nobody listens."""
    before = ledger.items(stack)
    with fake_dynamodb.settings(stack, AWS_XRAY_DAEMON_ADDRESS="127.0.0.1:9"):
        calls = _calls(stack, _keys(requests))
    found = ledger.compare(calls, before, ledger.items(stack))
    return Row("X-Ray daemon gone", "100 %", len(calls), found)
