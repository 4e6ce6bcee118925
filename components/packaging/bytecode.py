"""Bytecode for Lambda's Python, beside the sources: it saves more than half of a cold start.

An interpreter of Lambda's version compiles it, on every Python that runs the program. Python loads
it unchecked (PEP 552), so its bytes depend on the sources and on the compiler alone. Without such
an interpreter the bundle has sources only. The program warns then, since the hash differs.
"""

import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pulumi

from components.packaging.interpreter import compiler

# Lambda unpacks a bundle here, so tracebacks name files below it.
TASK_ROOT = "/var/task"

# Runs in Lambda's Python, in the folder of the sources. Prints the error of each invalid source.
_COMPILE = """
import json, py_compile, sys
root, names = json.load(sys.stdin)
unchecked, errors = py_compile.PycInvalidationMode.UNCHECKED_HASH, {}
for name in names:
    try:
        py_compile.compile(name, dfile=f"{root}/{name}", doraise=True, invalidation_mode=unchecked)
    except py_compile.PyCompileError as error:
        errors[name] = str(error.exc_value)
json.dump(errors, sys.stdout)
"""


class BytecodeError(pulumi.RunError):
    """A source of the bundle could not be compiled."""


@cache
def _version(python: Path) -> bytes:
    return subprocess.run([python, "-I", "-VV"], capture_output=True, check=True).stdout


def compiled(sources: Mapping[str, Path], build: Path, *, strict: bool) -> dict[str, Path]:
    """Return the bytecode of sources, by its name in the archive; nothing without a compiler.

    `build` keeps it in a folder that the hash of the sources and of the compiler names.
    An invalid source raises BytecodeError if `strict`. Otherwise it has no bytecode: packages hold
    modules of other Python versions, and templates, that nothing imports.
    """
    python = compiler()
    if not python or not sources:
        return {}
    digest = hashlib.sha256(_version(python) + Path(__file__).read_bytes() + bytes([strict]))
    # Read once: an editor may save a file before the compiler reads it.
    read = {name: path.read_bytes() for name, path in sorted(sources.items())}
    for name, source in read.items():
        digest.update(name.encode() + b"\0" + hashlib.sha256(source).digest())
    target = build / f"bytecode-{digest.hexdigest()[:16]}"
    if not target.exists():
        _compile(python, read, target, strict)
    return {str(path.relative_to(target)): path for path in target.rglob("*.pyc")}


def _compile(python: Path, sources: Mapping[str, bytes], target: Path, strict: bool) -> None:
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        folder = Path(scratch, "out")
        for name, source in sources.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(source)
        run = subprocess.run(
            # Columns only underline parts of a traceback's lines, for a sixth of the size.
            [python, "-I", "-S", "-W", "ignore", "-X", "no_debug_ranges", "-c", _COMPILE],
            cwd=folder,
            input=json.dumps([TASK_ROOT, list(sources)]),
            capture_output=True,
            text=True,
            check=False,
        )
        errors = json.loads(run.stdout) if not run.returncode else {"the bundle": run.stderr}
        if errors and (strict or run.returncode):
            (name, error), *_ = errors.items()
            raise BytecodeError(f"{name}: cannot compile: {' '.join(error.split())}")
        for name in sources:
            (folder / name).unlink()
        try:
            os.rename(folder, target)
        except OSError:
            if not target.exists():  # another process was faster
                raise
