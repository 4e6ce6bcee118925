"""Runs each invocation on threads that exist; MiniStack starts two threads for each one."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import apigateway_v1

from emulator.patching import replace

_Calls = SimpleQueue[Callable[[], None]]

# The queues of the idle threads. Their number is not bounded, since an invocation may cause others.
_idle: deque[_Calls] = deque()


def _serve(calls: _Calls) -> None:
    while True:
        calls.get()()
        _idle.append(calls)


def submit(call: Callable[[], Any]) -> Future[Any]:
    """Run a call on a daemon thread, and return its future result."""
    future: Future[Any] = Future()
    future.set_running_or_notify_cancel()  # from here on it cannot be cancelled

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001
            future.set_exception(error)

    try:
        calls = _idle.pop()
    except IndexError:
        calls = SimpleQueue()
        threading.Thread(target=_serve, args=(calls,), daemon=True).start()
    calls.put(run)
    return future


async def _run(function: Callable[..., Any], *args: Any, **_: Any) -> Any:
    """Run a function on another thread; a cancelled caller still waits for its end."""
    future = asyncio.wrap_future(submit(partial(copy_context().run, function, *args)))
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait([future])
        raise


class _Thread:
    """The part of threading.Thread that a worker uses."""

    def __init__(self, target: Callable[..., Any], args: Any = (), **_: Any) -> None:
        self._target = partial(target, *args)
        self._result: Future[Any] = Future()

    def start(self) -> None:
        """Run the target."""
        self._result = submit(self._target)

    def join(self, timeout: float | None = None) -> None:
        """Wait for the target's end, or at most `timeout` seconds."""
        wait([self._result], timeout)

    def is_alive(self) -> bool:
        """Check that the target still runs."""
        return self._result.running()


_THREADING = SimpleNamespace(**{**vars(threading), "Thread": _Thread})

PATCHES = (
    replace(apigateway_v1, "run_reentrant", _run),
    replace(lambda_runtime, "threading", _THREADING),
)
