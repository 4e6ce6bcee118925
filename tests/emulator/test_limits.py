"""What the emulator keeps of the past: so much, and a reader loses no count of the rest."""

import time

import pytest
from ministack.services import dynamodb

from emulator import limits


# pylint: disable=protected-access
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
