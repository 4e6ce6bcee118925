"""Lets MiniStack's synchronous code wait in the event loop.

A thread takes CPython's lock from the event loop at each system call. With a thread for each
invocation, the emulator answers a fifth fewer requests.
"""

import asyncio
import select
from collections.abc import Callable, Iterable
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet
from ministack.core import concurrency

T = TypeVar("T")


async def run(function: Callable[..., T], *args: Any) -> T:
    """Call a function, which waits by `readable` and `on_thread`.

    A cancellation of the caller does not stop the function.
    """
    return await asyncio.shield(asyncio.ensure_future(_run(function, args)))


async def _run(function: Callable[..., Any], args: Iterable[Any]) -> Any:
    call = greenlet(partial(copy_context().run, function))
    result = call.switch(*args)
    while not call.dead:
        try:
            value = await result
        except BaseException as error:  # noqa: BLE001 - the function handles it
            result = call.throw(error)
        else:
            result = call.switch(value)
    return result


def on_thread(function: Callable[..., T], *args: Any) -> T:
    """Call a function that may block, on another thread than the event loop's."""
    if not (loop := getcurrent().parent):
        return function(*args)
    call = partial(copy_context().run, function, *args)  # in this context, not in that of `_run`
    result: T = loop.switch(concurrency.run_reentrant(call))
    return result


def readable(files: Iterable[int], timeout_s: float | None) -> set[int]:
    """Return some of the descriptors that have data or have ended; none of them after the timeout."""
    if loop := getcurrent().parent:
        found: set[int] = loop.switch(_readable(tuple(files), timeout_s))
        return found
    ready = select.poll()
    for file in files:
        ready.register(file, select.POLLIN)
    return {file for file, _ in ready.poll(None if timeout_s is None else timeout_s * 1_000)}


async def _readable(files: Iterable[int], timeout_s: float | None) -> set[int]:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[set[int]] = loop.create_future()

    def resolve(*found: int) -> None:
        if not ready.done():
            ready.set_result({*found})

    for file in files:
        loop.add_reader(file, resolve, file)
    timer = None if timeout_s is None else loop.call_later(timeout_s, resolve)
    try:
        return await ready
    finally:
        if timer:
            timer.cancel()
        for file in files:
            loop.remove_reader(file)
