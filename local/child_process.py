"""Child processes that end together with their parent and leave nothing behind.

A socket connects both; the kernel closes it when its owner dies. A thread in the child waits for
that, kills the child's process group, and removes the run's files.
"""

import os
import runpy
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

# The longest wait, in seconds, for a process to end.
_END_TIMEOUT_S = 3

_ROOT = Path(__file__).parent.parent

# Holds the links to the private files of running stacks.
LOCAL = _ROOT / ".local"

_active: list["SupervisedProcess"] = []


class SupervisedProcess:
    """A child process group with a private folder, and files outside it.

    As a context manager it terminates the group on exit.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.gettempdir(), f"epoch-{secrets.token_hex(8)}")
        self.log = self.folder / "output.log"
        self._near, self._far = socket.socketpair()
        self._process: subprocess.Popen[bytes] | None = None
        _active.append(self)
        self.folder.mkdir(mode=0o700)

    def __enter__(self) -> "SupervisedProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.terminate()

    def start(self, module: str, environment: Mapping[str, str], listener: socket.socket) -> None:
        """Start a Python module as leader of a new group; its argument is the listener's number."""
        far, own = self._far.fileno(), listener.fileno()
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(far), str(self.folder), module, str(own)],
                env=environment,
                cwd=_ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(far, own),
                start_new_session=True,
            )
        self._far.close()

    @property
    def running(self) -> bool:
        """True while the group's leader runs."""
        return self._process is not None and self._process.poll() is None

    def write_private_file(self, name: str, text: str) -> None:
        """Write a file that only the owner can read and that disappears with the group.

        `.local/NAME` becomes a link to it. A later run may replace the link by its own, which then
        stays.
        """
        own = self.folder / name
        own.touch(mode=0o600)
        own.write_text(text, encoding="utf-8")
        LOCAL.mkdir(exist_ok=True)
        link = LOCAL / f"{name}.{self.folder.name}"
        link.symlink_to(own)
        os.replace(link, LOCAL / name)

    def terminate(self) -> None:
        """Terminate the group; return when it, its folder and its files are gone."""
        if self._process:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):  # a signal may interrupt this very wait
                self._process.wait(_END_TIMEOUT_S)
        self._near.close()
        self._far.close()
        _remove(str(self.folder))
        if self in _active:
            _active.remove(self)


def terminate_all() -> None:
    """Terminate every supervised process of this one."""
    for process in tuple(_active):
        process.terminate()


def _remove(folder: str) -> None:
    """Remove the folder and the links into it."""
    for path in LOCAL.glob("*"):
        with suppress(OSError):  # not a link, or another run has just replaced it
            if os.readlink(path).startswith(folder + os.sep):
                path.unlink()
    deadline = time.monotonic() + _END_TIMEOUT_S
    while os.path.exists(folder) and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)  # a dying process may still write there


def _exit_with_parent(number: int, folder: str) -> None:
    with socket.socket(fileno=number) as far:
        far.recv(1)  # returns when the parent ends
        group = os.getpgrp()
        if os.fork():
            return
        # This process outlives the group, which could otherwise write after the removal.
        os.setsid()
        with suppress(ProcessLookupError):  # the parent killed it first
            os.killpg(group, signal.SIGKILL)
        _remove(folder)
        os._exit(0)


def main(number: str, folder: str, module: str, *arguments: str) -> None:
    """Run a module in the child, and exit with the parent."""
    threading.Thread(target=_exit_with_parent, args=(int(number), folder), daemon=True).start()
    sys.argv[1:] = arguments
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
