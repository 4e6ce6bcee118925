"""A function's workers, without what they do twice and what they wait for.

- They share its unpacked code, and so the bytecode; each unpacked its own.
- A new version's first one ends the idle ones of versions before, and removes the code that none
  is left of. MiniStack keeps one of each for good, and every saved file publishes a version.
- An invocation's log is what its worker has written by the time it answers. MiniStack waits until
  nothing more has come for 5 ms, looking each millisecond.
"""

import hashlib
import os
import select
import shutil
import tempfile
import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

from ministack.core import lambda_runtime


def _keep_private(code: Path) -> None:
    """Let the tracer mark its start in our temporary folder: it opens, and empties, a path in /tmp
    that anybody may have made a link."""
    launcher = code / "aws_xray_sdk" / "core" / "lambda_launcher.py"
    if launcher.exists():
        text = launcher.read_text(encoding="utf-8")
        launcher.write_text(text.replace("/tmp/", f"{tempfile.gettempdir()}/"), encoding="utf-8")


class _SharedZip(zipfile.ZipFile):
    """A zip that is unpacked once; where it is to be unpacked, a link leads there."""

    _unpacking = threading.Lock()

    def extractall(self, path: Any = None, members: Any = None, pwd: Any = None) -> None:
        """Link `path`, an empty folder, to the unpacked files."""
        assert self.filename
        digest = hashlib.sha256(Path(self.filename).read_bytes()).hexdigest()
        shared = Path(tempfile.gettempdir(), f"code-{digest}")
        with self._unpacking:
            if not shared.exists():
                super().extractall(shared, members, pwd)
                _keep_private(shared)
            os.rmdir(path)
            os.symlink(shared, path)

    @classmethod
    def tidy(cls) -> None:
        """Remove the unpacked files to which no link leads."""
        folder = Path(tempfile.gettempdir())
        with cls._unpacking:
            # Not readlink, which fails on a link that goes meanwhile with its worker.
            links = map(os.path.realpath, folder.glob("ministack-lambda-*/code"))
            used = {os.path.basename(link) for link in links}
            for unpacked in folder.glob("code-*"):
                if unpacked.name not in used:
                    shutil.rmtree(unpacked, ignore_errors=True)


class _Worker(lambda_runtime.Worker):  # type: ignore[misc]
    """A worker whose output is read as soon as it is asked for.

    What the process wrote before its answer is in the pipe when the answer comes. In between a
    thread empties the pipe, so that the process can go on writing.
    """

    def __init__(self, *about: Any) -> None:
        super().__init__(*about)
        self._output: IO[str] | None = None
        self._written = bytearray()
        self._reading = threading.Lock()

    def _spawn(self) -> None:
        super()._spawn()
        self._output = self._proc.stderr
        _retire(self.func_name, self.config)

    def _read_stderr(self) -> None:
        output = self._proc.stderr
        while _ready(output) and self._read(output):
            pass

    def _read(self, output: Any) -> bool:
        """Read what is there; return whether more may come."""
        with self._reading:
            while _ready(output, 0):
                if not (written := os.read(output.fileno(), 65536)):
                    return False
                self._written += written
        return True

    def _drain_stderr(self) -> str:
        self._read(self._output)
        with self._reading:
            written, self._written = self._written, bytearray()
        return written.decode("utf-8", "replace").removesuffix("\n")

    _drain_stderr_bounded = _drain_stderr


# pylint: disable=protected-access
def _retire(name: str, config: dict[str, Any]) -> None:
    """End the idle workers of a function's versions before this one."""
    key = lambda_runtime._worker_key(name, config, config.get("Version", ""))
    *function, version = key.split(":")
    idle = []
    with lambda_runtime._lock:
        for key, workers in lambda_runtime._workers.items():
            *other, number = key.split(":")
            if other == function and number.isdigit() and version.isdigit():
                if int(number) < int(version):
                    idle += [worker for worker in workers if not worker.in_use]
                    workers[:] = [worker for worker in workers if worker.in_use]
    lambda_runtime.kill_workers(idle)
    _SharedZip.tidy()


def _ready(output: Any, wait_ms: int | None = None) -> bool:
    """Return whether there is something to read, or the end; wait for it unless told how long."""
    poll = select.poll()
    poll.register(output, select.POLLIN)
    return bool(poll.poll(wait_ms))


def install() -> None:
    """Put these in the place of MiniStack's."""
    lambda_runtime.zipfile = SimpleNamespace(**{**vars(zipfile), "ZipFile": _SharedZip})
    lambda_runtime.Worker = _Worker
