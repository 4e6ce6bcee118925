"""The service of tests/fixtures/notes.py."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from function.declare.job import Job
from function.declare.trigger import Trigger
from function.runtime import job_handler
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
def job(monkeypatch: pytest.MonkeyPatch) -> Callable[[Trigger, Callable[[Any], Any]], None]:
    """Return a function that declares the job of this process by its trigger and its handler."""

    def declare(trigger: Trigger, handle: Callable[[Any], Any]) -> None:
        declared = Job(trigger=trigger, summary="Works.", handle=handle)
        monkeypatch.setattr(job_handler, "_job", lambda: declared)

    monkeypatch.setenv("JOB_NAME", "work")
    return declare


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
