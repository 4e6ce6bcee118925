"""The service of tests/fixtures/notes.py."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fixtures import notes


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
