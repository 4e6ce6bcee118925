"""Invocations wait in the event loop, and never block it."""

import asyncio
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ministack.core import lambda_runtime
from ministack.core.concurrency import run_reentrant

from emulator import event_loop, lambda_code, lambda_workers
from emulator.api_gateway import instances
from tests.emulator.conftest import function_of

_value: ContextVar[str] = ContextVar("_value", default="")
_CODE = """
import os
import signal
import time


def wait_for(path):
    while path and not os.path.exists(path):
        time.sleep(0.01)


wait_for(os.environ.get("UNTIL"))


def handler(event, context):
    if event.get("stays"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    wait_for(event.get("until"))
    return event.get("text")
"""


@pytest.fixture(name="worker")
def _worker(own_workers: None) -> Iterator[Any]:
    worker = lambda_workers._Worker("waits", *function_of("waits", {"main.py": _CODE}).values())
    yield worker
    worker.kill()


class _Rescue:
    """Notes who lets an invocation go on: the event loop, or else the test after five seconds."""

    def __init__(self, go_on: Callable[[], Any]) -> None:
        self.by: list[str] = []
        self._go_on = go_on
        self._timer = threading.Timer(5, self, ["the test"])
        self._timer.start()

    def __call__(self, by: str = "the event loop") -> None:
        self._timer.cancel()
        self.by.append(by)
        self._go_on()


async def _invoke(worker: Any, **event: Any) -> Any:
    return await event_loop.run(worker.invoke, event, "request")


async def _serve_meanwhile(go_on: _Rescue, worker: Any, **event: Any) -> tuple[Any, list[str]]:
    """Let a waiting invocation go on; return its result, and who let it go on."""
    running = asyncio.create_task(_invoke(worker, **event))
    await asyncio.sleep(0.05)  # the invocation waits
    go_on()
    return (await running)["result"], go_on.by


def test_other_requests_are_served_during_an_invocation(worker: Any, tmp_path: Path) -> None:
    async def serve() -> Any:
        await _invoke(worker)
        go_on = _Rescue((tmp_path / "end").touch)
        return await _serve_meanwhile(go_on, worker, until=str(tmp_path / "end"), text="own")

    assert asyncio.run(serve()) == ("own", ["the event loop"])


def test_other_requests_are_served_while_another_thread_starts_the_worker(
    worker: Any, tmp_path: Path
) -> None:
    async def serve() -> Any:
        worker.config["Environment"] = {"Variables": {"UNTIL": str(tmp_path / "end")}}
        go_on = _Rescue((tmp_path / "end").touch)
        threading.Thread(target=lambda_runtime.ensure_spawned, args=(worker,)).start()
        while not worker._proc:
            await asyncio.sleep(0.01)
        return await _serve_meanwhile(go_on, worker, text="own")

    assert asyncio.run(serve()) == ("own", ["the event loop"])


def test_other_requests_are_served_while_a_worker_does_not_read_a_long_event(worker: Any) -> None:
    text = "x" * 1_000_000

    async def serve() -> Any:
        await _invoke(worker)
        worker._proc.send_signal(signal.SIGSTOP)
        go_on = _Rescue(partial(worker._proc.send_signal, signal.SIGCONT))
        return await _serve_meanwhile(go_on, worker, text=text)

    assert asyncio.run(serve()) == (text, ["the event loop"])


def test_other_requests_are_served_while_a_timed_out_worker_ignores_its_end(
    worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.config["Timeout"] = 1
    monkeypatch.setattr(lambda_runtime, "_REAP_GRACE", 0.2)

    async def serve() -> tuple[Any, int]:
        await _invoke(worker)
        turns, running = 0, asyncio.create_task(_invoke(worker, until="/never", stays=True))
        while not running.done():
            turns += worker._proc is None  # MiniStack waits for the process that it has ended
            await asyncio.sleep(0.01)
        return running.result(), turns

    result, turns = asyncio.run(serve())
    assert result["error"] == "Task timed out after 1.00 seconds"
    assert turns > 0


def test_an_invocation_without_its_caller_ends_before_the_next_one(
    worker: Any, tmp_path: Path
) -> None:
    async def serve() -> Any:
        await _invoke(worker)
        left = asyncio.create_task(_invoke(worker, until=str(tmp_path / "end"), text="left"))
        await asyncio.sleep(0.05)  # the invocation waits
        left.cancel()
        with pytest.raises(asyncio.CancelledError):
            await left
        (tmp_path / "end").touch()
        while worker._lock.locked():
            await asyncio.sleep(0.01)
        return await _invoke(worker, text="own")

    assert asyncio.run(serve())["result"] == "own"


def test_an_invocation_has_the_context_of_its_request() -> None:
    async def serve(value: str) -> Any:
        _value.set(value)

        def invoke() -> list[str]:
            found = [_value.get()]
            _value.set(f"{value} of the function")
            return [*found, event_loop.on_thread(_value.get)]

        return await event_loop.run(invoke)

    async def both() -> Any:
        return await asyncio.gather(serve("one"), serve("two"))

    assert asyncio.run(both()) == [["one", "one of the function"], ["two", "two of the function"]]


def test_an_error_of_an_invocation_reaches_its_request() -> None:
    def fail() -> None:
        try:
            event_loop.on_thread(int, "no number")
        except ValueError as error:
            raise LookupError("handled") from error

    with pytest.raises(LookupError, match="handled"):
        asyncio.run(event_loop.run(fail))


def test_the_event_loop_forgets_the_pipes_of_an_invocation_that_ended(worker: Any) -> None:
    async def serve() -> list[bool]:
        await _invoke(worker)
        await _invoke(worker)
        loop = asyncio.get_running_loop()
        return [loop.remove_reader(file) for file in worker._output._open]

    assert asyncio.run(serve()) == [False, False]


def test_other_requests_are_served_while_a_worker_unpacks_its_code(
    worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacks = threading.Event()
    extract = lambda_code.SharedZip.extractall

    def extractall(*args: Any) -> Any:
        assert unpacks.wait(60)
        return extract(*args)

    monkeypatch.setattr(lambda_code.SharedZip, "extractall", extractall)

    async def serve() -> Any:
        go_on = _Rescue(unpacks.set)
        return await _serve_meanwhile(go_on, worker, text="own")

    assert asyncio.run(serve()) == ("own", ["the event loop"])


@pytest.mark.parametrize(("runtime", "in_loop"), [("python3.13", True), ("nodejs22.x", False)])
def test_runtimes_that_would_block_the_event_loop_run_on_a_thread(
    monkeypatch: pytest.MonkeyPatch, runtime: str, in_loop: bool
) -> None:
    monkeypatch.setattr(sys, "gettrace", lambda: None)  # as without coverage
    record = {"config": {"Runtime": runtime}}

    def thread(_: Any) -> int:
        return threading.get_ident()

    async def serve() -> int:
        return int(await instances._run(run_reentrant, thread, record, thread_name="any"))

    assert (asyncio.run(serve()) == threading.get_ident()) is in_loop
