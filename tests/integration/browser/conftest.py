"""A stack with its console, for tests in a browser."""

import threading
from collections.abc import Iterator

import pytest

from console import server
from console.console import Console
from local import local_stack, stack_files


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Console, local_stack.LocalStack]]:
    """Return a console and the stack that it shows."""
    console = Console()
    with local_stack.up(
        stack_files.default_stack(),
        progress=lambda resource, _: console.add_resource(resource),
        environment=console.environment,
    ) as local:
        threading.Thread(target=server.run, args=(console, local), daemon=True).start()
        yield console, local
