"""The account that all tests of the emulator share."""

from collections.abc import Iterator

import pytest

from local import local_stack
from local.ministack import MiniStack


@pytest.fixture(scope="session")
def account() -> Iterator[local_stack.Account]:
    """Return an account with no stack in it."""
    with local_stack.emulated_account("eu-central-1") as started:
        yield started


@pytest.fixture(scope="session")
def emulator(account: local_stack.Account) -> MiniStack:
    """Return the emulator of the account, as root."""
    return account.emulator
