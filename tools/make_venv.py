"""`python3 tools/make_venv.py FOLDER LOCK`: installs a lock into a virtual environment.

It runs before any environment exists: on any python3, with the standard library only. The file
`FOLDER/.ready` exists only while the environment is complete, so an interrupted run starts again.
Of two concurrent runs, the second waits and finds the environment ready.
"""

import fcntl
import os
import re
import runpy
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

# This one has uv, which makes the others.
FIRST = Path(".venv")

# As a file: no package can be imported before its dependencies are installed.
_PIP = runpy.run_path(str(Path(__file__).parents[1] / "components/packaging/pip_settings.py"))


def _cause(output: str) -> str:
    """Return the cause of a failure of pip or uv in one line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["it printed nothing"]
    if refused := re.search(r"\[Errno [^']*", output):  # pip's cause; its last line is a conclusion
        return refused[0]
    return lines[0].removeprefix("error: ") + (f" ({lines[-1]})" if len(lines) > 1 else "")


def _run(what: str, environment: dict[str, str] | None, *command: object) -> None:
    # The child inherits the lock, which stays held if this process is killed.
    ran = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        check=False,
        close_fds=False,
        env=environment,
    )
    if ran.returncode:
        cause = _PIP["without_credentials"](_cause(ran.stderr or ran.stdout))
        raise SystemExit(f"error: cannot {what}: {cause}; {_PIP['ADVICE']}")


def _make(folder: Path) -> None:
    if folder != FIRST:
        uv = (FIRST / "bin" / "uv", "venv", "--quiet", "--clear")
        python = FIRST / "bin" / "python"
        _run(f"make {folder}", None, *uv, "--python", python, folder)
        return
    if not find_spec("ensurepip"):
        raise SystemExit(
            "error: python3 has no venv; install it, on Debian and Ubuntu: apt install python3-venv"
        )
    venv = (sys.executable, "-m", "venv", "--clear", folder)
    _run(f"make {folder}", None, *venv)


def _install(folder: Path, lock: Path) -> None:
    """Install with uv, which takes seconds; pip, which would take a minute, installs only uv."""
    python = folder / "bin" / "python"
    if folder == FIRST:
        own = re.search(r"^uv==.*(\n +--hash.*)*", lock.read_text("utf-8"), re.MULTILINE)
        assert own, "the lock has no uv"
        only = folder / "uv.txt"
        only.write_text(own[0].rstrip("\\ ") + "\n", "utf-8")
        pip = (python, "-m", "pip", "install", "--quiet", "--require-hashes")
        _run(f"install uv into {folder}", _PIP["pip_environment"](str(python)), *pip, "-r", only)
    uv = (FIRST / "bin" / "uv", "pip", "sync", "--quiet", "--python", python, "--require-hashes")
    environment = _PIP["uv_environment"](str(FIRST / "bin" / "python"))
    _run(f"install {lock} into {folder}", environment, *uv, lock)


def main(folder: Path, lock: Path) -> None:
    """Make the environment unless it is ready; raise SystemExit with a one-line error."""
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
    if sys.version_info < (3, 11):  # noqa: UP036
        found = ".".join(map(str, sys.version_info[:2]))
        raise SystemExit(f"error: python3 is {found}, Epoch needs 3.11 or newer")
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # exit silently
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except OSError as error:
        raise SystemExit(f"error: cannot make {sys.argv[1]}: {error}") from None
