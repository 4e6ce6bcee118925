"""Processes that end with the one that started them, however that ends, and leave nothing behind.

Between the two is a socket, which the kernel closes when its owner dies. The started process
watches its end of it: at the other's end its group is killed, and then what the run has left is
removed.
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
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

# How long a process of which only its socket is known may take to end.
_PATIENCE_S = 3

_held: list["Leash"] = []


class Leash:
    """The held end: a private folder, one process group that works there, and files elsewhere.

    As a context manager it ends them all on leaving.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.gettempdir(), f"epoch-{secrets.token_hex(8)}")
        self._near, self._far = socket.socketpair()
        self._process: subprocess.Popen[bytes] | None = None
        self._published: list[str] = []
        _held.append(self)
        self.folder.mkdir(mode=0o700)

    def __enter__(self) -> "Leash":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def start(
        self,
        module: str,
        environment: Mapping[str, str],
        cwd: Path,
        log: Path,
        listener: socket.socket,
    ) -> None:
        """Start a Python module as a group's leader, by way of this one, which watches beside it.

        Its one argument is the socket that it listens on.
        """
        far, own = self._far.fileno(), listener.fileno()
        with log.open("wb") as output:
            self._process = subprocess.Popen(  # pylint: disable=consider-using-with
                [sys.executable, "-m", __name__, str(far), str(self.folder), module, str(own)],
                env=environment,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(far, own),
                start_new_session=True,
            )
        self._far.close()

    @property
    def running(self) -> bool:
        """Whether the group's leader runs."""
        return self._process is not None and self._process.poll() is None

    def ends(self) -> bool:
        """Return whether the group's leader has ended, or does at once: its connections are closed
        before the kernel has cleared it away."""
        with suppress(subprocess.TimeoutExpired):
            if self._process:
                self._process.wait(_PATIENCE_S)
        return not self.running

    def publish(self, path: Path, text: str) -> None:
        """Write a file that only the owner can read, and that is gone when the group ends.

        `path` becomes a link into the folder: where another run has put its own there since, that
        one stays.
        """
        own = self.folder / path.name
        own.touch(mode=0o600)
        own.write_text(text, encoding="utf-8")
        link = path.with_name(f"{path.name}.{self.folder.name}")
        for each in (link, path):
            self._published.append(str(each.absolute()))
            self._near.sendall(f"{each.absolute()}\n".encode())
        while not link.is_symlink():
            with suppress(FileExistsError):
                path.parent.mkdir()
            with suppress(FileNotFoundError):  # another run has just ended, and removed the folder
                link.symlink_to(own)
        os.replace(link, path)

    def end(self) -> None:
        """End the group and remove folder and files; returns when they are gone.

        The other end does so, which nobody kills with this process, if only it can.
        """
        self._far.close()
        with suppress(OSError):  # ended before
            self._near.shutdown(socket.SHUT_WR)
            self._near.settimeout(_PATIENCE_S)
            self._near.recv(1)  # its end, when all is gone; nothing else comes
        self._near.close()
        if self._process:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):  # in a signal that interrupts this very wait
                self._process.wait(_PATIENCE_S)
        _remove(str(self.folder), self._published)
        if self in _held:
            _held.remove(self)


def end_all() -> None:
    """End every leash that this process holds."""
    for leash in tuple(_held):
        leash.end()


def _remove(folder: str, published: Iterable[str]) -> None:
    for path in map(Path, published):
        with suppress(OSError):
            if os.readlink(path).startswith(folder + os.sep):
                path.unlink()
        with suppress(OSError):  # another file is there
            path.parent.rmdir()
    deadline = time.monotonic() + _PATIENCE_S
    while os.path.exists(folder) and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)  # in which one that is being killed still writes


def _watch(number: int, folder: str) -> None:
    with socket.socket(fileno=number) as far:
        said = b"".join(iter(lambda: far.recv(4096), b""))
        group = os.getpgrp()
        if os.fork():
            return
        # Outside the group, which ends first: it would go on to write.
        os.setsid()
        with suppress(ProcessLookupError):  # its owner was faster
            os.killpg(group, signal.SIGKILL)
        _remove(folder, said.decode().splitlines())
        os._exit(0)


def main(number: str, folder: str, module: str, *arguments: str) -> None:
    """Be the other end of a Leash, and end with it; run a module meanwhile."""
    threading.Thread(target=_watch, args=(int(number), folder), daemon=True).start()
    sys.argv[1:] = arguments
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
