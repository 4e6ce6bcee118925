"""Keeps unit tests in one process, without sockets that accept connections."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pulumi
import pytest

from components.packaging import archive, interpreter
from components.packaging.project_bundle import PACKAGE, authorizer_bundle, project_bundle

_FORBIDDEN = {
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.system",
    "socket.bind",
    "subprocess.Popen",
}
_running = False
_make_archive = archive.Bundle.archive
_archives: dict[tuple[object, ...], pulumi.FileArchive] = {}


def _archive_once(bundle: archive.Bundle) -> pulumi.FileArchive:
    """Return the archive of a bundle; the project's own files stay as they are.

    A test that replaces the search for a compiler gets an archive of its own.
    """
    if bundle.package != PACKAGE:
        return _make_archive(bundle)
    key = (archive.compiler, bundle.locks, bundle.services)
    if key not in _archives:
        _archives[key] = _make_archive(bundle)
    return _archives[key]


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if _running and event in _FORBIDDEN:
        raise AssertionError(f"a unit test calls {event} {arguments[:2]}; move it to tests/e2e")


sys.addaudithook(_refuse)  # for each process once, since Python keeps hooks for ever


@pytest.fixture(scope="session")
def _dependencies() -> dict[bool, Path]:
    """Return the folders with the dependencies, which a process has installed: those of the
    authorizers under True."""
    interpreter.compiler()  # looks for an interpreter by processes
    return {False: project_bundle().dependencies(), True: authorizer_bundle().dependencies()}


@pytest.fixture(autouse=True)
def _in_process(_dependencies: dict[bool, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Turn a started process and a bound socket into an error.

    Bundles hold the same dependencies, whatever services are declared, and no bytecode.
    """
    global _running
    monkeypatch.setattr(archive, "install", lambda lock, *_: _dependencies[b"pyjwt==" in lock])
    monkeypatch.setattr(archive, "compiled", lambda *_, **__: {})
    # Half of a run of the program is the search for its files.
    monkeypatch.setattr(archive.Bundle, "archive", _archive_once)
    _running = True
    yield
    _running = False
