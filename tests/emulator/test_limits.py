"""Limits of the emulator: stream records and function instances."""

import time

import pytest
from ministack.services import dynamodb, lambda_svc

from emulator import limits


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


def test_instances_of_all_functions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lambda_svc, "_ACCOUNT_CONCURRENCY_CAP", limits._MAX_INSTANCES)
    slots = [lambda_svc._acquire_execution_slot({}, {}) for _ in range(limits._MAX_INSTANCES + 1)]
    for key, _ in slots:
        lambda_svc._release_execution_slot(key)
    assert [limit for _, limit in slots] == [None] * limits._MAX_INSTANCES + ["account"]
