"""Keeps unit tests in one process, without sockets that accept connections."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.packaging import archive, interpreter
from components.packaging.project_bundle import project_bundle

_FORBIDDEN = {
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.system",
    "socket.bind",
    "subprocess.Popen",
}
_running = False


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if _running and event in _FORBIDDEN:
        raise AssertionError(f"a unit test calls {event} {arguments[:2]}; move it to tests/e2e")


sys.addaudithook(_refuse)  # for each process once, since Python keeps hooks for ever


@pytest.fixture(scope="session")
def _dependencies() -> Path:
    """Return the folder with the function's dependencies, which a process has installed."""
    interpreter.compiler()  # looks for an interpreter by processes
    return project_bundle().dependencies()


@pytest.fixture(autouse=True)
def _in_process(_dependencies: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Turn a started process and a bound socket into an error.

    Bundles hold the same dependencies, whatever services are declared, and no bytecode.
    """
    global _running
    monkeypatch.setattr(archive, "install", lambda *_: _dependencies)
    monkeypatch.setattr(archive, "compiled", lambda *_, **__: {})
    _running = True
    yield
    _running = False
