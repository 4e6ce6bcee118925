"""Invocations by requests: their instances."""

import asyncio
from typing import Any

import pytest

from emulator.api_gateway import instances


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
