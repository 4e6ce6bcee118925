"""Faults between function and DynamoDB, and in the function's environment."""

import json
import os
import random
import signal
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from urllib3.exceptions import HTTPError

from local import local_stack, stack_files
from local.local_stack import LocalStack
from tools.reliability import consistency, fake_dynamodb, load

SHARES = (1, 10, 50)
_CALLERS = 8

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


# Each is a sitecustomize.py of a worker.
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
    """A fault, its share of the calls, its number of occurrences, and the comparison."""

    fault: str
    share: str
    injected: int
    finding: consistency.Finding


def _post(stack: LocalStack, given: str) -> consistency.Call:
    try:
        reply = stack.call({"Idempotency-Key": given})
        return consistency.Call(given, reply.status, reply.body)
    except HTTPError:
        return consistency.Call(given, 0, "")


def _keys(count: int) -> list[str]:
    return [str(uuid.uuid4()) for _ in range(count)]


def _calls(
    stack: LocalStack, given: Sequence[str], halfway: Callable[[], None] = lambda: None
) -> list[consistency.Call]:
    """Send concurrent requests; retry each one without a 201, as clients would."""

    def post(number: int, key: str) -> consistency.Call:
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
    calls = _calls(stack, _keys(requests))
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
        calls = _calls(stack, _keys(requests))
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
        calls = _calls(stack, _keys(requests // 10))
        (emulator,) = load.processes(stack, emulator=True)
        calls += _calls(stack, _keys(requests), lambda: os.kill(emulator, signal.SIGKILL))
    with up() as again:
        calls += _calls(again, _keys(requests // 10))
        found = consistency.compare(calls, {}, consistency.items(again))
    return Row("emulator killed and restarted with its data", "once", 1, found)


@contextmanager
def _sitecustomize(stack: LocalStack, folder: Path, by: str) -> Iterator[Path]:
    """Run Python code at the start of the function's workers within the block."""
    folder.mkdir()
    file = folder / "sitecustomize.py"
    file.write_text(by, "utf-8")
    with fake_dynamodb.settings(stack, PYTHONPATH=str(folder)):
        yield file


def set_clock_back(stack: LocalStack, folder: Path, requests: int) -> Row:
    """Set the function's clock back an hour, and then retry the first half of the requests."""
    before, given = consistency.items(stack), _keys(requests)
    calls = _calls(stack, given)
    with _sitecustomize(stack, folder / "clock", _CLOCK):
        calls += _calls(stack, [*given, *_keys(requests)])
    found = consistency.compare(calls, before, consistency.items(stack))
    bodies = {call.body for call in calls if call.status == 201}
    epochs = sorted(json.loads(body)["epoch"] for body in bodies)
    late = sum(epoch < epochs[-1] - _BACK_S / 2 for epoch in epochs)
    return Row("clock set back an hour", "the second half", late, found)


def fill_logs(stack: LocalStack, folder: Path, requests: int) -> Row:
    """Make all log writes fail."""
    before = consistency.items(stack)
    with _sitecustomize(stack, folder / "logs", _LOGS) as file:
        calls = _calls(stack, _keys(requests))
        refused = file.with_name(f"{file.name}.refused")
        count = refused.stat().st_size if refused.exists() else 0
    return Row(
        "logs unwritable",
        "100 %",
        count,
        consistency.compare(calls, before, consistency.items(stack)),
    )


def stop_xray_daemon(stack: LocalStack, requests: int) -> Row:
    """Send traces to a closed port."""
    before = consistency.items(stack)
    with fake_dynamodb.settings(stack, AWS_XRAY_DAEMON_ADDRESS="127.0.0.1:9"):
        calls = _calls(stack, _keys(requests))
    found = consistency.compare(calls, before, consistency.items(stack))
    return Row("X-Ray daemon gone", "100 %", len(calls), found)
