"""Isolates a function in its worker as Lambda does; MiniStack's worker script begins with it.

- Output of the function, of any library and of any child process goes to the log. The pipes to the
  emulator have other file descriptors, so that no output can look like a response.
- Only the temporary folders can be written. The limit holds for Python code, not for C extensions
  and child processes.
"""

import errno
import os
import sys
from typing import IO, Any

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

# By audit event of a change: the indexes of the changed paths among its arguments.
_CHANGES = {
    **dict.fromkeys(("os.chmod", "os.chown", "os.mkdir", "os.remove", "os.rmdir"), (0,)),
    **dict.fromkeys(("os.truncate", "os.utime", "shutil.rmtree"), (0,)),
    **dict.fromkeys(("os.link", "os.symlink"), (1,)),
    "os.rename": (0, 1),
}


def take_streams() -> tuple[IO[str], IO[str]]:
    """Return the pipes to the emulator, and leave an empty input and the log to the function."""
    requests, responses = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    return open(requests, encoding="utf-8"), open(responses, "w", encoding="utf-8")


def make_read_only() -> None:
    """Refuse changes of files in the code folder, and outside of the temporary folders."""
    code = os.getcwd()
    roots = ("/tmp", "/dev", "/proc", os.environ.get("TMPDIR", "/tmp"))
    writable = tuple(os.path.realpath(root) for root in roots)

    def is_writable(path: Any) -> bool:
        real = os.path.realpath(os.fsdecode(path))
        if os.path.commonpath((real, code)) == code:
            return "__pycache__" in real  # the workers of a bundle share its bytecode
        return any(os.path.commonpath((real, root)) == root for root in writable)

    def refuse(event: str, args: tuple[Any, ...]) -> None:
        indexes: tuple[int, ...] = _CHANGES.get(event, ())
        if event == "open":
            indexes = (0,) if (args[2] or 0) & _WRITING else ()
        elif indexes:
            # Only a path relative to an open folder has its descriptor here, e.g. in rmtree.
            if event != "os.truncate" and args[-1] not in {-1, None}:
                return
        for index in indexes:
            path = args[index]
            if not isinstance(path, int) and not is_writable(path):
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

    sys.addaudithook(refuse)
