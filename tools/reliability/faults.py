"""Faults between function and DynamoDB, and killed processes."""

import os
import random
import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from local import local_stack, stack_files
from local.local_stack import LocalStack
from tools.reliability import consistency, fake_dynamodb, load

SHARES = (1, 10, 50)

# Descriptions of the faults in tools/reliability/fake_dynamodb.py by name.
FAULTS = {
    "throttled": "ThrottlingException",
    "limited": "RequestLimitExceeded",
    "over capacity": "ProvisionedThroughputExceededException",
    "conflict": "TransactionConflictException",
    "broken": "500 InternalServerError",
    "denied": "400 AccessDeniedException",
    "expired": "credentials expired",
    "slow": "response after the timeout",
    "drip": "dripping response",
    "cut": "connection cut before the write",
    "drop": "connection cut after the write",
    "truncated": "truncated response after the write",
    "html": "200 that is not DynamoDB's",
    "empty": "200 without a body",
}


class Row(NamedTuple):
    """A fault, its share of the calls, its number of occurrences, and the comparison."""

    fault: str
    share: str
    injected: int
    finding: consistency.Finding


def _send_and_retry(
    stack: LocalStack, keys: Sequence[str], halfway: Callable[[], None] = lambda: None
) -> list[consistency.Call]:
    """Send requests; retry each one without a 201 once, as clients would."""
    calls = load.send(stack, keys, halfway=halfway)
    return calls + load.send(stack, [call.given for call in calls if call.status != 201])


def run(
    stack: LocalStack, server: fake_dynamodb.Storage, requests: int, kind: str, share: int
) -> Row:
    """Send requests while a fault hits a share of the calls to DynamoDB, in percent.

    `server` is between the stack and its DynamoDB.
    """
    before = consistency.items(stack)
    of = 100 // share  # one in so many calls fails
    mix = [
        fault
        for _ in range(requests * 4 // of)
        for fault in random.sample([kind, *[""] * (of - 1)], of)
    ]
    server.faults = list(mix)
    calls = _send_and_retry(stack, load.new_keys(requests))
    met = mix[: len(mix) - len(server.faults)].count(kind)
    server.faults = []
    found = consistency.compare(calls, before, consistency.items(stack))
    return Row(FAULTS[kind], f"{share} %", met, found)


def kill_workers(stack: LocalStack, requests: int) -> Row:
    """Kill a worker every 0.3 seconds during requests."""
    before, done, killed = consistency.items(stack), threading.Event(), []

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
        calls = _send_and_retry(stack, load.new_keys(requests))
    finally:
        done.set()
        thread.join()
    found = consistency.compare(calls, before, consistency.items(stack))
    return Row("worker killed", "every 0.3 s", len(killed), found)


def kill_emulator(folder: Path, requests: int) -> Row:
    """Kill an emulator during requests, and start another one with its data."""

    def up() -> Any:
        kept = {"EPOCH_PERSIST_FILE": str(folder / "tables.jsonl")}
        return local_stack.up(stack_files.default_stack(), config=load.CONFIG, environment=kept)

    with up() as stack:
        calls = load.send(stack, load.new_keys(requests // 10))
        (emulator,) = load.processes(stack, emulator=True)
        kill = partial(os.kill, emulator, signal.SIGKILL)
        calls += _send_and_retry(stack, load.new_keys(requests), kill)
    with up() as again:
        calls += load.send(again, load.new_keys(requests // 10))
        found = consistency.compare(calls, {}, consistency.items(again))
    return Row("emulator killed and restarted with its data", "once", 1, found)
