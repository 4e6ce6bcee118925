"""Bytecode for Lambda's Python: it saves more than half of a cold start.

An interpreter of Lambda's version compiles it, on every Python that runs the program. Python loads
it unchecked (PEP 552), so its bytes depend on the sources and on the compiler alone. Without such
an interpreter the bundle has sources only. The program warns then, since the hash differs.
"""

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.util import source_from_cache
from pathlib import Path

from components.packaging.build_folder import built
from components.packaging.dependencies import BundleError
from components.packaging.interpreter import PYTHON_VERSION, compiler

# Nothing reads the docstrings of these, so their bytecode is that of `python -OO`: a fifth smaller.
# Other packages may parse theirs.
_WITHOUT_DOCSTRINGS = ("aws_xray_sdk", "botocore", "dateutil", "urllib3", "wrapt")

# The file that function/runtime/bytecode_file.py reads.
DEPENDENCIES = f"dependencies.cpython-{PYTHON_VERSION.replace('.', '')}"
# The emulator changes the source of this one.
_SEPARATE = "aws_xray_sdk/core/lambda_launcher.py"

# Lambda unpacks a bundle here, so tracebacks name files below it.
TASK_ROOT = "/var/task"


@cache
def _version(python: Path) -> bytes:
    return subprocess.run([python, "-I", "-VV"], capture_output=True, check=True).stdout


def compiled(sources: Mapping[str, Path], build: Path, *, strict: bool) -> dict[str, Path]:
    """Return the bytecode of sources, by its name in the archive; nothing without a compiler.

    `build` keeps it. An invalid source raises BundleError if `strict`. Otherwise it has no
    bytecode: packages hold modules of other Python versions, and templates, that nothing imports.
    """
    python = compiler()
    if not python or not sources:
        return {}
    # Read once: an editor may save a file before the compiler reads it.
    read = {name: path.read_bytes() for name, path in sorted(sources.items())}
    inputs = [_version(python), Path(__file__).read_bytes(), bytes([strict])]
    inputs += [part for name, source in read.items() for part in (name.encode(), source)]
    folder = built(build, "bytecode", inputs, lambda out: _compile(python, read, out, strict))
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.pyc")}


def _stem(name: str) -> str:
    """Return the path of a module without its suffixes."""
    folder, _, file = name.rpartition("/")
    return f"{folder}/{file.partition('.')[0]}"


def in_one_file(
    bytecode: Mapping[str, Path], packages: Iterable[str], build: Path
) -> dict[str, Path]:
    """Return the bytecode of `compiled` for `packages` as the file DEPENDENCIES in `build`."""
    # Python prefers an extension to a source beside it.
    separate = {_stem(name) for name in packages if name.endswith(".so")} | {_stem(_SEPARATE)}
    named = {source_from_cache(name): (name, path) for name, path in sorted(bytecode.items())}
    files = dict(beside for source, beside in named.items() if _stem(source) in separate)
    found = {source: path for source, (name, path) in named.items() if name not in files}
    if not found:
        return files
    contents = {source: path.read_bytes() for source, path in found.items()}
    inputs = [Path(__file__).read_bytes(), *map(str.encode, contents), *contents.values()]

    def write(folder: Path) -> None:
        table, start = {}, 0
        codes = [content[16:] for content in contents.values()]  # PEP 552
        for source, code in zip(contents, codes, strict=True):
            module = source.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            table[module] = source, start, len(code)
            start += len(code)
        head, version = json.dumps(table).encode(), next(iter(contents.values()))[:4]
        parts = (version, len(head).to_bytes(4, "big"), head, *codes)
        (folder / DEPENDENCIES).write_bytes(b"".join(parts))

    return {DEPENDENCIES: built(build, "bytecode", inputs, write) / DEPENDENCIES, **files}


def _compile(python: Path, sources: Mapping[str, bytes], folder: Path, strict: bool) -> None:
    for name, source in sources.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(source)
    _run(python, folder, [folder], strict)
    if short := [folder / name for name in _WITHOUT_DOCSTRINGS if (folder / name).exists()]:
        _run(python, folder, ["-o", "2", *short], strict)
        for path in folder.rglob("*.opt-2.pyc"):
            path.replace(path.with_name(path.name.replace(".opt-2", "")))
    for name in sources:
        (folder / name).unlink()


def _run(python: Path, folder: Path, arguments: Sequence[str | Path], strict: bool) -> None:
    """Run compileall for the files in a folder; raise BundleError as `compiled` does."""
    run = subprocess.run(
        [
            # Columns only underline parts of a traceback's lines, for a sixth of the size.
            *(python, "-I", "-S", "-W", "ignore", "-X", "no_debug_ranges"),
            *("-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"),
            *("-s", folder, "-p", TASK_ROOT, *arguments),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if run.stderr or (strict and run.returncode):
        error = run.stderr or run.stdout.partition("...")[2]
        raise BundleError(f"cannot compile the bundle: {' '.join(error.split())}")
