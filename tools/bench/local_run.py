"""`python -m tools.bench.local_run REQUESTS`: measures the local run.

It prints the seconds from exec to `up` and to the first response, and the number of management
calls. With REQUESTS that are not 0, it also prints the latency, the requests per second and the
memory afterwards.
"""

import http.client
import json
import os
import statistics
import sys
import threading
import time
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from botocore.endpoint import Endpoint

from function.declare import registry
from local import local_stack, stack_files
from openapi import samples
from tools.reliability import load

CLIENTS = (1, 8, 32)
_WARM_UP, _WARM, _RATE_S = 50, 300, 5


def _age_s() -> float:
    """Return the age of this process in seconds, to 10 ms."""
    began = int(Path("/proc/self/stat").read_text("ascii").rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - began / os.sysconf("SC_CLK_TCK")


def _memory_mb(stack: local_stack.LocalStack) -> float:
    """Return the resident memory of the emulator and its workers."""
    both = (load.processes(stack, emulator=emulator) for emulator in (True, False))
    return load.memory_kb(chain(*both)) * 1024 / 1e6


class _Caller:
    """A client with a connection of its own."""

    def __init__(self, stack: local_stack.LocalStack) -> None:
        endpoint = samples.default_sample(registry.load_endpoints())
        if not endpoint or not endpoint.sample:
            raise RuntimeError(samples.NO_SAMPLE)
        self._endpoint = endpoint
        url = urlsplit(stack.outputs["sample_url"])
        self._path = url._replace(scheme="", netloc="").geturl()
        self._headers = {
            "x-api-key": stack.outputs["default_api_key"],
            "Content-Type": "application/json",
            **endpoint.sample.headers,
        }
        sent = endpoint.sample.body
        self._body = None if sent is None else msgspec.json.encode(sent)
        self._connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=60)

    def call(self) -> float:
        """Return the milliseconds of a request; raise RuntimeError for an undeclared status."""
        started = time.perf_counter()
        self._connection.request(
            self._endpoint.method, self._path, body=self._body, headers=self._headers
        )
        reply = self._connection.getresponse()
        text = reply.read()
        if reply.status not in self._endpoint.responses:
            raise RuntimeError(f"the local run returns {reply.status}: {text!r}")
        return (time.perf_counter() - started) * 1_000


def _send(stack: local_stack.LocalStack, clients: int, until: Any) -> int:
    """Send requests from several clients until `until(sent)`; return the number of responses."""
    sent, lock = [0], threading.Lock()
    failed: list[Exception] = []

    def client() -> None:
        caller = _Caller(stack)
        try:
            while not failed and not until(sent[0]):
                caller.call()
                with lock:
                    sent[0] += 1
        except (OSError, RuntimeError, http.client.HTTPException) as error:
            failed.append(error)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return sent[0]


def _load(stack: local_stack.LocalStack, requests: int) -> dict[str, Any]:
    caller = _Caller(stack)
    warm = [caller.call() for _ in range(_WARM_UP + _WARM)][_WARM_UP:]
    rates: dict[str, float] = {}
    for clients in CLIENTS:
        _send(stack, clients, lambda sent, enough=4 * clients: sent >= enough)  # a worker for each
        end = time.monotonic() + _RATE_S
        answered = _send(stack, clients, lambda _, end=end: time.monotonic() > end)
        rates[str(clients)] = round(answered / _RATE_S, 1)
    before = _memory_mb(stack)
    _send(stack, CLIENTS[1], lambda sent: sent >= requests)
    return {
        "warm_ms": round(statistics.median(warm), 2),
        "requests_per_s": rates,
        "requests": requests,
        "memory_before_mb": round(before, 1),
        "memory_after_mb": round(_memory_mb(stack), 1),
    }


def main() -> None:
    """Start the stack, measure it, and print the results as JSON."""
    requests = int(sys.argv[1])
    calls = [0]
    make = Endpoint.make_request

    def counted(self: Any, *args: Any) -> Any:
        calls[0] += 1
        return make(self, *args)

    setattr(Endpoint, "make_request", counted)
    with local_stack.up(stack_files.default_stack(), config=load.CONFIG) as stack:
        found: dict[str, Any] = {"up_s": round(_age_s(), 2), "management_calls": calls[0]}
        _Caller(stack).call()
        found["first_201_s"] = round(_age_s(), 2)
        if requests:
            found |= _load(stack, requests)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
