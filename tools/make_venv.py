"""`python3 tools/make_venv.py FOLDER LOCK`: makes a virtual environment hold what a lock says.

It runs before there is any environment, so by any python3 and on the standard library alone. Its
mark, `FOLDER/.ready`, is there only while the environment is whole: what an interrupted run left
is made anew. Of two at once, the second waits, and finds it done.
"""

import fcntl
import os
import re
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

# The one with uv, by which the others are made.
FIRST = Path(".venv")

_WAY_OUT = (
    "it needs a package index once: check the network, or name a proxy by HTTPS_PROXY, or a mirror "
    "by PIP_INDEX_URL and UV_DEFAULT_INDEX"
)


def _cause(said: str) -> str:
    """Return in one line why pip or uv failed."""
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["it said nothing"]
    if refused := re.search(r"\[Errno [^']*", said):  # pip's; it ends with what it concludes
        return refused[0]
    return lines[0].removeprefix("error: ") + (f" ({lines[-1]})" if len(lines) > 1 else "")


def _run(what: str, *command: object) -> None:
    # Who is killed leaves the lock to what it started.
    ran = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        check=False,
        close_fds=False,
    )
    if ran.returncode:
        raise SystemExit(f"error: cannot {what}: {_cause(ran.stderr or ran.stdout)}; {_WAY_OUT}")


def _make(folder: Path) -> None:
    if folder != FIRST:
        uv = (
            FIRST / "bin" / "uv",
            "venv",
            "--quiet",
            "--clear",
            "--python",
            FIRST / "bin" / "python",
        )
        _run(f"make {folder}", *uv, folder)
        return
    if not find_spec("ensurepip"):
        raise SystemExit(
            "error: python3 has no venv; install it, on Debian and Ubuntu: apt install python3-venv"
        )
    _run(f"make {folder}", sys.executable, "-m", "venv", "--clear", folder)


def _install(folder: Path, lock: Path) -> None:
    """Install by uv, in seconds; pip, which would need a minute, brings uv, at its locked hash."""
    python = folder / "bin" / "python"
    if folder == FIRST:
        own = re.search(r"^uv==.*(\n +--hash.*)*", lock.read_text("utf-8"), re.MULTILINE)
        assert own, "the lock has no uv"
        only = folder / "uv.txt"
        only.write_text(own[0].rstrip("\\ ") + "\n", "utf-8")
        pip = (python, "-m", "pip", "install", "--disable-pip-version-check", "--retries", "2")
        _run(f"install uv into {folder}", *pip, "--quiet", "--require-hashes", "-r", only)
    uv = (FIRST / "bin" / "uv", "pip", "sync", "--quiet", "--python", python)
    _run(f"install {lock} into {folder}", *uv, "--require-hashes", lock)


def main(folder: Path, lock: Path) -> None:
    """Make it, unless it is there; SystemExit says in one line why it cannot be."""
    mark = folder / ".ready"
    with open(f"{folder}.lock", "w", encoding="utf-8") as one_at_a_time:
        os.set_inheritable(one_at_a_time.fileno(), True)
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if mark.exists() and mark.stat().st_mtime >= lock.stat().st_mtime:
            return
        if mark.exists():
            mark.unlink()
        else:
            _make(folder)
        _install(folder, lock)
        mark.touch()


if __name__ == "__main__":
    if sys.version_info < (3, 11):
        found = ".".join(map(str, sys.version_info[:2]))
        raise SystemExit(f"error: python3 is {found}, Epoch needs 3.11 or newer")
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # ends without a word
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except OSError as error:
        raise SystemExit(f"error: cannot make {sys.argv[1]}: {error}") from None
