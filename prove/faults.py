"""Faults between function and DynamoDB, in mixes, and workers that are killed."""

import os
import random
import signal
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from local.deploy import LocalStack
from prove import ledger
from tests import faulty

SHARES = (1, 10, 50)
_CALLERS = 8

# By name in tests/faulty.py: what happens to a call.
KINDS = {
    "throttled": "ThrottlingException",
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


class Row(NamedTuple):
    """A fault, in how many percent of the calls to DynamoDB, how often, and what came of it."""

    fault: str
    share: int
    injected: int
    finding: ledger.Finding


def _post(stack: LocalStack, given: str) -> ledger.Call:
    try:
        reply = stack.call({"Idempotency-Key": given})
        return ledger.Call(given, reply.status, reply.body)
    except OSError:
        return ledger.Call(given, 0, "")


def _calls(stack: LocalStack, requests: int) -> list[ledger.Call]:
    """Send requests side by side; what was not recorded is repeated, as callers would."""
    given = [str(uuid.uuid4()) for _ in range(requests)]
    with ThreadPoolExecutor(_CALLERS) as callers:
        first = list(callers.map(lambda key: _post(stack, key), given))
        again = [call.given for call in first if call.status != 201]
        return first + list(callers.map(lambda key: _post(stack, key), again))


def run(stack: LocalStack, server: faulty.Storage, requests: int, kind: str, share: int) -> Row:
    """Send so many requests through a mix in which a fault has a share of the calls, in percent.

    `server` stands between the stack and its DynamoDB.
    """
    before = ledger.items(stack)
    mix = [kind if random.random() * 100 < share else "" for _ in range(requests * 4)]
    server.faults = list(mix)
    calls = _calls(stack, requests)
    met = mix[: len(mix) - len(server.faults)].count(kind)
    server.faults = []
    return Row(KINDS[kind], share, met, ledger.compare(calls, before, ledger.items(stack)))


def _workers(stack: LocalStack) -> Iterator[int]:
    mark = f"GATEWAY_PORT={stack.emulator.port}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # ended, or another user's
            if (
                mark in (process / "environ").read_bytes()
                and b"local.emulator" not in (process / "cmdline").read_bytes()
            ):
                yield int(process.name)


def kill_workers(stack: LocalStack, requests: int) -> Row:
    """Kill a worker every 0.3 seconds while requests come; Linux only, which has /proc."""
    before, done, killed = ledger.items(stack), threading.Event(), []

    def kill() -> None:
        while not done.wait(0.3):
            for worker in list(_workers(stack))[:1]:
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
                    killed.append(worker)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        calls = _calls(stack, requests)
    finally:
        done.set()
        thread.join()
    found = ledger.compare(calls, before, ledger.items(stack))
    return Row("worker killed", 0, len(killed), found)
