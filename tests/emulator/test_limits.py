"""Limits of the emulator: stream records, connections and function instances."""

import asyncio
import time
from typing import Any

import pytest
from ministack.services import dynamodb, lambda_svc

from emulator import limits
from emulator.api_gateway import errors


def test_a_stream_keeps_the_newest_changes_and_counts_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = time.time()
    changes = [
        {"dynamodb": {"ApproximateCreationDateTime": now, "SequenceNumber": str(number)}}
        for number in range(5)
    ]
    monkeypatch.setattr(limits, "_MAX_STREAM_RECORDS", 3)
    monkeypatch.setitem(dynamodb._stream_records, "things", changes)
    try:
        limits._trim_stream(dynamodb._trim_stream_records, "things")
        kept = dynamodb.stream_records_since("things", 0, 10)
        assert [change["dynamodb"]["SequenceNumber"] for change in kept] == ["2", "3", "4"]
        assert dynamodb.stream_start_position("things") == 2
        assert dynamodb.stream_end_position("things") == 5
    finally:
        dynamodb._stream_trimmed.pop("things", None)


def test_hanging_function_gets_a_further_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors, "_PATIENCE_S", 0.01)
    scope = {"account_id": "0", "region": "r"}
    context = {"stage": "s", "httpMethod": "GET", "resourcePath": "/", "apiId": "a"}

    async def serve() -> Any:
        monkeypatch.setattr(errors, "_instances", asyncio.Semaphore(1))
        end = asyncio.Event()

        async def invoke(_function: str, event: dict[str, Any], **_: Any) -> Any:
            if event["hangs"]:
                await end.wait()
            return {"body": {"statusCode": 200}}, None

        def call(hangs: bool) -> Any:
            event = {"requestContext": context, "hangs": hangs}
            return errors._call_lambda(invoke, "name", event, **scope)

        hanging = asyncio.create_task(call(True))
        await asyncio.sleep(0)
        result = await asyncio.wait_for(call(False), 60)
        assert not hanging.done()
        end.set()
        return result, await hanging

    assert asyncio.run(serve()) == (({"body": {"statusCode": 200}}, None),) * 2


def test_instances_of_all_functions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lambda_svc, "_ACCOUNT_CONCURRENCY_CAP", limits._MAX_INSTANCES)
    slots = [lambda_svc._acquire_execution_slot({}, {}) for _ in range(limits._MAX_INSTANCES + 1)]
    for key, _ in slots:
        lambda_svc._release_execution_slot(key)
    assert [limit for _, limit in slots] == [None] * limits._MAX_INSTANCES + ["account"]
