"""Bytecode for Lambda's Python, beside the sources: it saves more than half of a cold start.

An interpreter of Lambda's version compiles it, on every Python that runs the program. Python loads
it unchecked (PEP 552), so its bytes depend on the sources and on the compiler alone. Without such
an interpreter the bundle has sources only. The program warns then, since the hash differs.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pulumi

# The one place of the version in Lambda, which the Makefile and the workflows read too.
_VERSION_FILE = Path(__file__).parents[2] / "function" / ".python-version"
PYTHON_VERSION = _VERSION_FILE.read_text(encoding="utf-8").strip()
# Lambda unpacks a bundle here, so tracebacks name files below it.
TASK_ROOT = "/var/task"


class BytecodeError(pulumi.RunError):
    """A source of the bundle could not be compiled."""


def _candidates() -> Iterator[Path]:
    """Return the paths to try for an interpreter: this one, PATH, uv's and pyenv's folders."""
    name = f"python{PYTHON_VERSION}"
    yield Path(sys.executable)
    yield from (Path(folder, name) for folder in os.get_exec_path())
    for versions in (".local/share/uv/python/cpython-", ".pyenv/versions/"):
        yield from sorted(Path.home().glob(f"{versions}{PYTHON_VERSION}*/bin/{name}"), reverse=True)


@cache
def compiler() -> Path | None:
    """Return a CPython of Lambda's version, or None."""
    show = "import sys; print(sys.implementation.name, '%d.%d' % sys.version_info[:2])"
    for path in _candidates():
        if path.is_file():  # a pyenv name on PATH may lead nowhere
            run = subprocess.run([path, "-I", "-c", show], capture_output=True, check=False)
            if run.stdout.decode().split() == ["cpython", PYTHON_VERSION]:
                return path
    return None


@cache
def _version(python: Path) -> bytes:
    return subprocess.run([python, "-I", "-VV"], capture_output=True, check=True).stdout


def compiled(sources: Mapping[str, Path], build: Path) -> dict[str, Path]:
    """Return the bytecode of sources, by its name in the archive; nothing without a compiler.

    `build` keeps it in a folder that the hash of the sources and of the compiler names.
    """
    python = compiler()
    if not python or not sources:
        return {}
    digest = hashlib.sha256(_version(python) + Path(__file__).read_bytes())
    # Read once: an editor may save a file before the compiler reads it.
    read = {name: path.read_bytes() for name, path in sorted(sources.items())}
    for name, source in read.items():
        digest.update(name.encode() + b"\0" + hashlib.sha256(source).digest())
    target = build / f"bytecode-{digest.hexdigest()[:16]}"
    if not target.exists():
        _compile(python, read, target)
    return {str(path.relative_to(target)): path for path in target.rglob("*.pyc")}


def _compile(python: Path, sources: Mapping[str, bytes], target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        folder = Path(scratch, "out")
        for name, source in sources.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(source)
        run = subprocess.run(
            [
                # Columns only underline parts of a traceback's lines, for a sixth of the size.
                *(python, "-I", "-S", "-X", "no_debug_ranges", "-m", "compileall", "-q"),
                *("-s", folder, "-p", TASK_ROOT),
                *("--invalidation-mode", "unchecked-hash", folder),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            output = " ".join((run.stdout + run.stderr).split())
            raise BytecodeError(f"cannot compile the function: {output}")
        for name in sources:
            (folder / name).unlink()
        try:
            os.rename(folder, target)
        except OSError:
            if not target.exists():  # another process was faster
                raise
