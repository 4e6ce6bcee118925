"""Results that are kept, and identifiers from few system calls."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from emulator.repeated_work import _once, _uuid4


def test_a_text_is_parsed_once_and_another_value_each_time() -> None:
    parsed: list[Any] = []

    def parse(document: Any, slot: str = "") -> list[Any]:
        parsed.append(document)
        if document == "wrong":
            raise ValueError(document)
        return [document, slot]

    assert _once(parse, "a") is _once(parse, "a") and _once(parse, "a", "b") == ["a", "b"]
    assert _once(parse, {"a": 1}) == _once(parse, {"a": 1})
    for _ in range(2):
        with pytest.raises(ValueError, match="wrong"):
            _once(parse, "wrong")
    assert parsed == ["a", "a", {"a": 1}, {"a": 1}, "wrong", "wrong"]


def test_identifiers_are_random_uuids_for_all_threads() -> None:
    with ThreadPoolExecutor(4) as threads:
        made = [*threads.map(lambda _: _uuid4(), range(3_000))]
    assert len(set(made)) == 3_000 and {one.version for one in made} == {4}
