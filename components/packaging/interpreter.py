"""The Python of Lambda's version on this machine: it compiles the bundle, and runs it locally.

`local` runs this file alone, since a package's import takes as long as a start of the emulator.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

# The one place of the version in Lambda, which the Makefile and the workflows read too.
_VERSION_FILE = Path(__file__).parents[2] / "function" / ".python-version"
PYTHON_VERSION = _VERSION_FILE.read_text(encoding="utf-8").strip()


def _candidates() -> Iterator[Path]:
    """Return the paths to try for an interpreter: uv's and pyenv's folders, and PATH.

    A name of pyenv on PATH is a script, which takes ten times as long to start.
    """
    name = f"python{PYTHON_VERSION}"
    for versions in (".local/share/uv/python/cpython-", ".pyenv/versions/"):
        yield from sorted(Path.home().glob(f"{versions}{PYTHON_VERSION}*/bin/{name}"), reverse=True)
    yield from (Path(folder, name) for folder in os.get_exec_path())


@cache
def compiler() -> Path | None:
    """Return a CPython of Lambda's version, by preference this one, or None."""
    wanted = ["cpython", *PYTHON_VERSION.split(".")]
    if [sys.implementation.name, *map(str, sys.version_info[:2])] == wanted:
        return Path(sys.executable)
    show = "import sys; print(sys.implementation.name, *sys.version_info[:2])"
    for path in _candidates():
        if path.is_file():  # a pyenv name on PATH may lead nowhere
            run = subprocess.run([path, "-I", "-S", "-c", show], capture_output=True, check=False)
            if run.stdout.decode().split() == wanted:
                return path
    return None


def local_python() -> str:
    """Return the interpreter of the local run: Lambda's version, or else this one."""
    return str(compiler() or sys.executable)
