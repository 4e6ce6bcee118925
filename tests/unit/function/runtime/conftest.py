"""The service of tests/fixtures/notes.py."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fixtures import notes


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[logging.LogRecord]]:
    """Return the log records of the function."""
    found: list[logging.LogRecord] = []
    handler = logging.Handler()
    monkeypatch.setattr(handler, "emit", found.append)
    with notes.written_to(handler):
        yield found


@pytest.fixture
def service() -> Iterator[None]:
    """Make POST /notes the only route."""
    with notes.served():
        yield


@pytest.fixture
def table(service: None) -> Iterator[Any]:
    """Return a function that reads the items of the table."""
    with notes.table_in_moto() as items:
        yield items
