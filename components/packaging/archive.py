"""The Lambda bundle of a Python package: its modules and its locked dependencies, as named files.

A rule selects the files, so neither `__pycache__` nor a stray file enters, and the same sources
give the same archive on every machine.

The bundle brings the AWS SDK instead of using the one in Lambda's runtime. The lock decides its
version, and its data shrinks to the services that the code calls. `make bench` shows the effect.
"""

import ast
import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pulumi
from uv import find_uv_bin

from components import limits
from components.packaging.bytecode import PYTHON_VERSION, compiled, compiler
from function.declare.permission import ACTIONS
from function.declare.diagnostics import explain

PLATFORM = "aarch64-manylinux2014"

_STORAGE = "dynamodb"
# The operations that a table's permissions allow under other names.
_ITEM_OPERATIONS = {name.partition(":")[2] for name in ACTIONS} | {
    *("BatchExecuteStatement", "ExecuteStatement", "ExecuteTransaction"),
    *("TransactGetItems", "TransactWriteItems"),
}


# Nothing loads these: the tracer's patches of other packages, and the compiled half of wrapt, which
# works without it.
_EXCLUDED = ("aws_xray_sdk/ext/", "wrapt/_wrappers")


class BundleError(pulumi.RunError):
    """The function's dependencies could not be installed for Lambda."""


# uv's target, unless a Python of this machine is the target.
LAMBDA = (*("--python-platform", PLATFORM), *("--python-version", PYTHON_VERSION))

# For `for_local_run`: hidden files, which no bundle takes.
_LOCK_COPY, _SERVICES_COPY = ".requirements.txt", ".services.json"


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """The Lambda bundle of the Python package in the folder `package`.

    The package's requirements.txt is the lock of its dependencies, with hashes. `services` are the
    AWS services that the code calls besides the items of tables: boto3's name of each, and the
    file that an error about it names. `.build` beside the package holds what a build makes.
    """

    package: Path
    services: Mapping[str, str] = field(default_factory=dict)

    def dependencies(self) -> Path:
        """Return the folder with the locked dependencies for Lambda, building it once."""
        lock = self.package / "requirements.txt"
        if not lock.exists():
            raise BundleError(f"{_shown(lock)} is missing; restore it or run: make lock")
        return _installed(lock.read_bytes(), self.services, LAMBDA, self.package.parent / ".build")

    def files(self) -> dict[str, Path]:
        """Return the bundle's files by their names in the archive, sorted by name."""
        root = self.package.parent
        own = {path.relative_to(root).as_posix(): path for path in self.package.rglob("*.py")}
        theirs = _files_of(self.dependencies())
        _check_imports(self.package.name, own, theirs)
        bytecode = [
            compiled(
                {name: path for name, path in part.items() if path.suffix == ".py"},
                root / ".build",
            )
            for part in (theirs, own)
        ]
        return dict(sorted({**theirs, **own, **bytecode[0], **bytecode[1]}.items()))

    def archive(self) -> pulumi.AssetArchive:
        """Return the bundle as a Pulumi archive of single files."""
        if not compiler():
            pulumi.log.warn(
                f"no Python {PYTHON_VERSION} is at hand, so the bundle has no bytecode: a cold "
                "start takes twice as long, and the hash differs from a bundle with bytecode. "
                f"Install one, for example by: uv python install {PYTHON_VERSION}"
            )
        files = self.files()
        _check_sizes(self.package.name, files)
        return pulumi.AssetArchive(
            {name: pulumi.FileAsset(str(path)) for name, path in files.items()}
        )


def for_local_run(
    archive: pulumi.AssetArchive, interpreter: str = sys.executable
) -> pulumi.AssetArchive:
    """Return the bundle for a Python of this machine, with dependencies compiled for it."""
    if not any(name.endswith(".so") for name in archive.assets):
        return archive
    paths = (Path(str(getattr(asset, "path", ""))) for asset in archive.assets.values())
    base = next(p for path in paths for p in path.parents if p.name.startswith("dependencies-"))
    services = json.loads((base / _SERVICES_COPY).read_bytes())
    lock = (base / _LOCK_COPY).read_bytes()
    theirs = _files_of(_installed(lock, services, ("--python", interpreter), base.parent))
    tops = {"__pycache__", *(name.partition("/")[0] for name in theirs)}
    own = {k: asset for k, asset in archive.assets.items() if k.partition("/")[0] not in tops}
    return pulumi.AssetArchive({**{k: pulumi.FileAsset(str(v)) for k, v in theirs.items()}, **own})


def _check_sizes(package: str, files: Mapping[str, Path]) -> None:
    """Raise LimitError if the files are too large for Lambda, unpacked or as a zip."""
    unpacked, zipped = Counter[str](), Counter[str]()
    for name, path in files.items():
        unpacked[name.partition("/")[0]] += path.stat().st_size
    way_out = f"Remove packages from {package}/requirements.in"
    subject = "the function's bundle"
    limits.check(f"{subject}, unpacked,", unpacked, limits.UNPACKED_SIZE, "bytes", way_out)
    if unpacked.total() > limits.ZIP_SIZE:
        for name, path in files.items():
            zipped[name.partition("/")[0]] += len(zlib.compress(path.read_bytes()))
        limits.check(f"{subject}, zipped,", zipped, limits.ZIP_SIZE, "bytes", way_out)


def _shown(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _installed(
    lock: bytes, services: Mapping[str, str], target_platform: Sequence[str], build: Path
) -> Path:
    """Return the folder with a lock's dependencies for a platform.

    The hash of the lock, of this module, of the services and of the platform names the folder, so
    a change of any of them builds anew. The folder appears in one rename, so an interrupted build
    leaves nothing that looks complete.
    """
    chosen = " ".join([*sorted(services), *target_platform]).encode()
    digest = hashlib.sha256(b"".join((lock, Path(__file__).read_bytes(), chosen))).hexdigest()[:16]
    target = build / f"dependencies-{digest}"
    if target.exists():
        return target
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build) as scratch:
        out = Path(scratch, "out")
        out.mkdir()
        (out / _LOCK_COPY).write_bytes(lock)
        (out / _SERVICES_COPY).write_text(json.dumps(dict(services)), encoding="utf-8")
        install = [
            *(find_uv_bin(), "pip", "install", "--quiet", "--target", str(out)),
            "--link-mode=copy",  # a link would lead into uv's cache
            *target_platform,
            *("--only-binary", ":all:", "--no-deps", "--require-hashes"),
            *("-r", str(out / _LOCK_COPY)),
        ]
        result = subprocess.run(install, capture_output=True, text=True, check=False)
        if result.returncode:
            raise BundleError(f"cannot install the function's lock: {result.stderr.strip()}")
        if (data := out / "botocore" / "data").exists():
            _strip_sdk_data(data, services)
        try:
            os.rename(out, target)
        except OSError:
            if not target.exists():  # another process was faster
                raise
    return target


def _files_of(base: Path) -> dict[str, Path]:
    """Return the files of a folder with dependencies that belong in a bundle."""
    return {
        path.relative_to(base).as_posix(): path
        for path in base.rglob("*")
        if path.is_file() and _is_dependency(path.relative_to(base))
    }


def _without_documentation(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            # A client derives its own parameters from these.
            name: item if name == "clientContextParams" else _without_documentation(item)
            for name, item in value.items()
            if name != "documentation" or not isinstance(item, str)
        }
    return [_without_documentation(item) for item in value] if isinstance(value, list) else value


def _item_operations(model: dict[str, Any]) -> dict[str, Any]:
    """Return DynamoDB's model with the item operations and their shapes only.

    The operations on tables and backups are two thirds of the model. Each process would read them
    and keep them in memory.
    """
    operations = {
        name: one for name, one in model["operations"].items() if name in _ITEM_OPERATIONS
    }
    shapes: dict[str, Any] = {}
    parts: list[Any] = [operations]
    while parts:
        part = parts.pop()
        if isinstance(part, list):
            parts += part
        elif isinstance(part, dict):
            parts += part.values()
            name = part.get("shape")
            if isinstance(name, str) and name in model["shapes"] and name not in shapes:
                shapes[name] = model["shapes"][name]
                parts.append(shapes[name])
    return {**model, "operations": operations, "shapes": shapes}


def _strip_sdk_data(data: Path, besides: Mapping[str, str]) -> None:
    """Reduce botocore's data to DynamoDB's items and the services `besides`, as plain JSON."""
    services = {_STORAGE, *besides}
    known_services = [entry.name for entry in data.iterdir() if entry.is_dir()]
    for service in sorted(services):
        if service not in known_services:
            near = ", ".join(get_close_matches(service, known_services)) or "none of like name"
            raise BundleError(
                f"{besides[service]}: boto3 has no client {service!r} for ServicePermission(…), "
                f"but: {near}"
            )
    for folder in (entry for entry in data.iterdir() if entry.is_dir()):
        # A client takes the newest version of an API.
        keep = max(folder.iterdir()) if folder.name in services else None
        for version in folder.iterdir():
            if version != keep:
                shutil.rmtree(version)
    for packed in data.rglob("*.json.gz"):
        model = _without_documentation(json.loads(gzip.decompress(packed.read_bytes())))
        if packed.match(f"{_STORAGE}/*/service-2.json.gz") and _STORAGE not in besides:
            model = _item_operations(model)
        packed.with_suffix("").write_text(json.dumps(model, separators=(",", ":")))
        packed.unlink()
    endpoints = data / "endpoints.json"
    known = json.loads(endpoints.read_bytes())
    for partition in known["partitions"]:
        known_there = partition["services"].items()
        partition["services"] = {name: spec for name, spec in known_there if name in services}
    endpoints.write_text(json.dumps(known, separators=(",", ":")))


# These files differ between machines. importlib.metadata and entry points need the others of
# *.dist-info.
_INSTALLER = frozenset({"INSTALLER", "RECORD", "REQUESTED", "direct_url.json", "uv_cache.json"})


def _is_dependency(path: Path) -> bool:
    top = path.parts[0]
    return not (
        "__pycache__" in path.parts
        or top == "bin"
        or (top.endswith(".dist-info") and path.name in _INSTALLER)
        or str(path).startswith(_EXCLUDED)
        or path.name.startswith(".")
        or path.suffix in {".pyi", ".pyc"}
    )


# The module that replaces a package here.
_HINTS = {
    "boto3": "function.runtime.service calls AWS, and function.runtime.dynamodb the stack's tables"
}

# An import under one of these conditions may fail.
_OPTIONAL = re.compile("TYPE_CHECKING|ImportError|ModuleNotFoundError")


def _imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Return the packages that a module imports anywhere, each with its line."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0] * (not node.level), node.lineno
        elif isinstance(node, ast.If) and _OPTIONAL.search(ast.dump(node.test)):
            continue
        elif isinstance(node, ast.Try) and _OPTIONAL.search("".join(map(ast.dump, node.handlers))):
            continue
        else:
            yield from _imports(node)


def _check_imports(package: str, own: Mapping[str, Path], theirs: Collection[str]) -> None:
    """Raise BundleError for an import of a package that the bundle does not hold."""
    there = {name.partition("/")[0].partition(".")[0] for name in theirs}
    there |= {"", package, *sys.stdlib_module_names}
    for name, path in own.items():
        try:
            tree = ast.parse(path.read_bytes(), str(path))
        except (SyntaxError, ValueError) as error:  # of a null byte, before Python 3.11.4
            raise BundleError(explain(error)) from None
        for imported, line in _imports(tree):
            if imported not in there:
                hint = f"add it to {package}/requirements.in, then run: make lock test"
                raise BundleError(
                    f"{name}, line {line}: {imported} is not in the bundle; "
                    + _HINTS.get(imported, hint)
                )
