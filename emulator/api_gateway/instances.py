"""Bounds the instances that requests start, and waits for invocations in the event loop.

A request waits one second for a free instance of a function, then starts a further instance.
MiniStack starts an instance and a thread for each request.
"""

import asyncio
import os
import resource
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ministack.services import apigateway_v1

from emulator import event_loop
from emulator.patching import Original, wrap

# AWS starts an instance at once. Here it is a process, which takes seconds among many others.
_PATIENCE_S = 1
# More instances than cores would only take each other's time.
_instances = asyncio.Semaphore(2 * (os.cpu_count() or 1))
_further = asyncio.Semaphore(min(16, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 8 - 16))


@asynccontextmanager
async def _instance() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_PATIENCE_S if _instances.locked() else None):
            await _instances.acquire()
    except TimeoutError:
        async with _further:
            yield
        return
    try:
        yield
    finally:
        _instances.release()


async def _call_lambda(original: Original, *args: Any, **scope: Any) -> Any:
    async with _instance():
        return await original(*args, **scope)


async def _run(original: Original, function: Any, record: Any, *args: Any, **thread: Any) -> Any:
    """Run an invocation in the event loop, or on a thread if it would block the loop."""
    # MiniStack's workers for other runtimes block. A tracer, as of coverage, follows threads only.
    if sys.gettrace() or not record["config"].get("Runtime", "").startswith("python"):
        return await original(function, record, *args, **thread)
    return await event_loop.run(function, record, *args)


PATCHES = (
    wrap(apigateway_v1, "_call_lambda_raw", _call_lambda),
    wrap(apigateway_v1, "run_reentrant", _run),
)
