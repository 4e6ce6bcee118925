"""Load from many connections, with a consistency check."""

import json
import random
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from urllib3.exceptions import HTTPError

from local import stack_files
from local.local_stack import LocalStack
from tools.reliability import consistency

# Clients that send at the same time: steadily, and in a burst, in turn.
STEADY, BURST = 8, 40
_TURNS = 4
# The shares of requests that repeat the key of an earlier one, if it had one, or have none.
_REPEATED, _WITHOUT_KEY = 0.1, 0.3

# A config whose limits the load does not reach.
_PLAN = {"rate_limit": 10_000, "burst_limit": 5_000, "quota_per_day": 10_000_000}
CONFIG = {
    f"{stack_files.project_name()}:usage_plans": json.dumps({"load": _PLAN}),
    f"{stack_files.project_name()}:api_keys": json.dumps({"default": "load"}),
}


def new_keys(count: int) -> list[str]:
    """Return new Idempotency-Keys."""
    return [str(uuid.uuid4()) for _ in range(count)]


def _mixed_keys(count: int) -> list[str]:
    """Return Idempotency-Keys: new ones, repeated ones, and "" for none."""
    keys = new_keys(count)
    for at in range(count):
        choice = random.random()
        if choice < _REPEATED:
            keys[at] = random.choice(keys[: at + 1])
        elif choice < _REPEATED + _WITHOUT_KEY:
            keys[at] = ""
    return keys


def _post(stack: LocalStack, key: str) -> consistency.Call:
    try:
        reply = stack.call({"Idempotency-Key": key})
    except HTTPError:
        return consistency.Call(key, 0, "")
    return consistency.Call(key, reply.status, reply.body)


def send(
    stack: LocalStack,
    keys: Sequence[str],
    clients: int = STEADY,
    halfway: Callable[[], None] = lambda: None,
) -> list[consistency.Call]:
    """Send a request for each Idempotency-Key from concurrent clients, and run `halfway` once."""

    def post(number: int, key: str) -> consistency.Call:
        if number == len(keys) // 2:
            halfway()
        return _post(stack, key)

    with ThreadPoolExecutor(clients) as callers:
        return list(callers.map(post, range(len(keys)), keys))


def run(stack: LocalStack, requests: int) -> consistency.Finding:
    """Send requests, steadily and in bursts, and compare the responses with the items."""
    before, keys, calls = consistency.items(stack), _mixed_keys(requests), []
    for turn in range(_TURNS):
        clients = BURST if turn % 2 else STEADY
        calls += send(stack, keys[turn::_TURNS], clients)
    return consistency.compare(calls, before, consistency.items(stack))


def memory_kb(started: Iterable[int]) -> int:
    """Return the resident memory of processes in KiB; Linux only, by /proc."""
    total = 0
    for process in started:
        with suppress(OSError):  # ended
            status = Path(f"/proc/{process}/status").read_text("ascii").splitlines()
            total += sum(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
    return total


def processes(stack: LocalStack, *, emulator: bool) -> Iterator[int]:
    """Return the process id of the emulator, or those of its workers; Linux only."""
    mark = f"GATEWAY_PORT={stack.emulator.port}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # ended, or another user's
            of_emulator = b"\0emulator\0" in (process / "cmdline").read_bytes()
            if mark in (process / "environ").read_bytes() and of_emulator == emulator:
                yield int(process.name)
