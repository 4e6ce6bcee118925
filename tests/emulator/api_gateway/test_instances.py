"""Invocations by requests: their instances and threads."""

import asyncio
import threading
from contextvars import ContextVar
from typing import Any

import pytest

from emulator.api_gateway import instances

_value: ContextVar[str] = ContextVar("_value", default="")


def test_hanging_function_gets_a_further_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instances, "_PATIENCE_S", 0.01)

    async def serve() -> Any:
        monkeypatch.setattr(instances, "_instances", asyncio.Semaphore(1))
        end = asyncio.Event()

        async def invoke(event: str) -> str:
            if event == "hangs":
                await end.wait()
            return event

        hanging = asyncio.create_task(instances._call_lambda(invoke, "hangs"))
        await asyncio.sleep(0)
        result = await asyncio.wait_for(instances._call_lambda(invoke, "returns"), 60)
        assert not hanging.done()
        end.set()
        return result, await hanging

    assert asyncio.run(serve()) == ("returns", "hangs")


def test_invocation_runs_on_another_thread_in_the_context_of_its_request() -> None:
    async def serve() -> Any:
        _value.set("request")
        return await instances._run(lambda: (_value.get(), threading.get_ident()), name="any")

    value, thread = asyncio.run(serve())
    assert value == "request"
    assert thread != threading.get_ident()
