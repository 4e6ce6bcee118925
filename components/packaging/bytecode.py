"""Bytecode for Lambda's Python, to put beside sources: it saves more than half of a cold start.

It is compiled by an interpreter of that very version, whatever Python runs the program, and Python
takes it unchecked (PEP 552), so its bytes depend on the sources and on the compiler alone. Where no
such interpreter is at hand the bundle has sources only, and the program says so, since its hash
is another.
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

ROOT = Path(__file__).parents[2]

PYTHON_VERSION = (ROOT / "function" / ".python-version").read_text(encoding="utf-8").strip()
# Where Lambda unpacks a bundle: tracebacks name its files.
TASK_ROOT = "/var/task"


class BytecodeError(pulumi.RunError):
    """A source of the bundle could not be compiled."""


def _candidates() -> Iterator[Path]:
    """Return where interpreters are looked for: this one's, PATH, uv's and pyenv's folders."""
    name = f"python{PYTHON_VERSION}"
    yield Path(sys.executable)
    yield from (Path(folder, name) for folder in os.get_exec_path())
    for versions in (".local/share/uv/python/cpython-", ".pyenv/versions/"):
        yield from sorted(Path.home().glob(f"{versions}{PYTHON_VERSION}*/bin/{name}"), reverse=True)


@cache
def compiler() -> Path | None:
    """Return a CPython of Lambda's version, or None where there is none."""
    show = "import sys; print(sys.implementation.name, '%d.%d' % sys.version_info[:2])"
    for path in _candidates():
        if path.is_file():  # a name of pyenv's on PATH may lead nowhere
            run = subprocess.run([path, "-I", "-c", show], capture_output=True, check=False)
            if run.stdout.decode().split() == ["cpython", PYTHON_VERSION]:
                return path
    return None


@cache
def _version(python: Path) -> bytes:
    return subprocess.run([python, "-I", "-VV"], capture_output=True, check=True).stdout


def compiled(sources: Mapping[str, Path]) -> dict[str, Path]:
    """Return the bytecode of sources, by its name in the archive; nothing without a compiler.

    It is kept in a folder that is named after what it was made of and by.
    """
    python = compiler()
    if not python:
        return {}
    digest = hashlib.sha256(_version(python) + Path(__file__).read_bytes())
    # Read once: an editor may write on before they are compiled.
    read = {name: path.read_bytes() for name, path in sorted(sources.items())}
    for name, source in read.items():
        digest.update(name.encode() + b"\0" + hashlib.sha256(source).digest())
    target = ROOT / ".build" / f"bytecode-{digest.hexdigest()[:16]}"
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
                # Without columns, which only mark a traceback's lines and are a sixth of the size.
                *(python, "-I", "-S", "-X", "no_debug_ranges", "-m", "compileall", "-q"),
                *("-s", folder, "-p", TASK_ROOT),
                *("--invalidation-mode", "unchecked-hash", folder),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            said = " ".join((run.stdout + run.stderr).split())
            raise BytecodeError(f"cannot compile the function: {said}")
        for name in sources:
            (folder / name).unlink()
        try:
            os.rename(folder, target)
        except OSError:
            if not target.exists():  # not another process that was faster
                raise
