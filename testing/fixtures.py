"""The kit's fixtures, a plugin of pytest that tests/conftest.py loads."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testing.running import RunningStack
    from testing.service import Service


def _no_token(*_: object, **__: object) -> str:
    pytest.skip("the stack takes no tokens of the test issuer, which runs on your machine alone")


# Imported in the fixtures: each test process would pay for moto and the AWS SDK.
@pytest.fixture
def service() -> "Iterator[Service]":
    """Return the service in this process, with empty tables, queues and buckets in moto."""
    from testing.service import in_moto

    with in_moto() as running:
        yield running


@pytest.fixture(scope="session")
def running() -> "Iterator[RunningStack]":
    """Return a running stack.

    It is the one whose outputs are in the file OUTPUTS, or else that of `make local`. Without
    both, the default stack starts in the emulator, once for all tests.
    """
    from functools import partial

    from local import issuer, local_stack, stack_files
    from testing.running import RunningStack

    path = Path(os.environ.get("OUTPUTS", stack_files.ROOT / ".local" / "outputs.json"))
    if "OUTPUTS" in os.environ or path.exists():
        outputs = json.loads(path.read_text(encoding="utf-8"))
        if "OUTPUTS" in os.environ or not issuer.FILE.exists():
            yield RunningStack(outputs, _no_token)
        else:
            known = json.loads(issuer.FILE.read_text(encoding="utf-8"))
            yield RunningStack(outputs, partial(issuer.token, known))
    else:
        with local_stack.up(stack_files.default_stack()) as stack:
            yield RunningStack(stack.outputs, stack.token)
