"""The Lambda bundle: the function's modules and its locked dependencies, as named files.

An archive is a mapping of names to files, collected by rule, so that neither `__pycache__` nor a
stray file slips in and the same sources give the same archive on every machine.

The AWS SDK comes with the bundle, not from Lambda's runtime: what the lock pins is what runs, and
the SDK's data can be cut down to the services that are called. `make bench` shows what it costs.
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
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pulumi
from uv import find_uv_bin

from components.packaging.bytecode import PYTHON_VERSION, compiled, compiler
from function.declare.diagnostics import explain
from function.declare.job_registry import load_jobs
from function.declare.permission import ACTIONS, ServicePermission
from function.declare.registry import endpoints_by_module, load_queues, load_settings

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "function" / "requirements.txt"

PLATFORM = "aarch64-manylinux2014"

# botocore ships models of every AWS service; the function talks to few.
_QUEUES = "sqs"
_SECRETS = "secretsmanager"
_STORAGE = "dynamodb"
# What Access permits under the names of others.
_ITEM_OPERATIONS = {name.partition(":")[2] for name in ACTIONS} | {
    *("BatchExecuteStatement", "ExecuteStatement", "ExecuteTransaction"),
    *("TransactGetItems", "TransactWriteItems"),
}


# What nothing here loads: the tracer's patches of other packages, and the compiled half of wrapt,
# which does without it.
_EXCLUDED = ("aws_xray_sdk/ext/", "wrapt/_wrappers")


class BundleError(pulumi.RunError):
    """The function's dependencies could not be installed for Lambda."""


def _services() -> dict[str, str]:
    """Return the services that endpoints and jobs call beside their tables, as botocore names
    them, each with the file that says so."""
    access = {
        f"function/endpoints/{name}.py": one.permissions
        for name, one in endpoints_by_module().items()
    }
    access |= {f"function/jobs/{name}.py": job.permissions for name, job in load_jobs().items()}
    named = {
        item.name: file
        for file in access
        for item in access[file]
        if isinstance(item, ServicePermission)
    }
    if load_queues():
        named[_QUEUES] = "function/queues.py"
    if any(setting.secret for setting in load_settings().values()):
        named[_SECRETS] = "function/settings.py"
    return named


# What uv installs for, unless it is for a Python of this machine.
LAMBDA = (*("--python-platform", PLATFORM), *("--python-version", PYTHON_VERSION))


def dependencies(target_platform: Sequence[str] = LAMBDA) -> Path:
    """Return the folder with the locked dependencies for a platform, building it once.

    The folder is named after the hash of the lock, of this module and of the AWS services that the
    function calls, so a change to any of them builds anew; it appears in one rename, so a build
    that was interrupted leaves nothing that looks complete.
    """
    if not LOCK.exists():
        raise BundleError(f"{LOCK.relative_to(ROOT)} is missing; restore it or run: make lock")
    services = _services()
    chosen = " ".join([*sorted(services), *target_platform]).encode()
    parts = (LOCK.read_bytes(), Path(__file__).read_bytes(), chosen)
    digest = hashlib.sha256(b"".join(parts)).hexdigest()[:16]
    target = ROOT / ".build" / f"dependencies-{digest}"
    if target.exists():
        return target
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        install = [
            *(find_uv_bin(), "pip", "install", "--quiet", "--target", scratch + "/out"),
            "--link-mode=copy",  # a link would lead into uv's cache, and all that was installed
            *target_platform,
            *("--only-binary", ":all:", "--no-deps", "--require-hashes", "-r", str(LOCK)),
        ]
        result = subprocess.run(install, capture_output=True, text=True, check=False)
        if result.returncode:
            raise BundleError(f"cannot install {LOCK.relative_to(ROOT)}: {result.stderr.strip()}")
        _strip_sdk_data(Path(scratch) / "out" / "botocore" / "data", services)
        try:
            os.rename(scratch + "/out", target)
        except OSError:
            if not target.exists():  # not another process that was faster
                raise
    return target


def _without_documentation(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            # A client's own parameters are made of theirs.
            name: item if name == "clientContextParams" else _without_documentation(item)
            for name, item in value.items()
            if name != "documentation" or not isinstance(item, str)
        }
    return [_without_documentation(item) for item in value] if isinstance(value, list) else value


def _item_operations(model: dict[str, Any]) -> dict[str, Any]:
    """Return DynamoDB's model with the operations that Access can permit, and their shapes: those
    on tables and backups are two thirds of it, which each process would read and keep."""
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
    """Cut botocore's data down to what clients of DynamoDB's items, and of the services besides,
    read, in plain JSON."""
    services = {_STORAGE, *besides}
    known_services = [entry.name for entry in data.iterdir() if entry.is_dir()]
    for service in sorted(services):
        if service not in known_services:
            near = ", ".join(get_close_matches(service, known_services)) or "none of like name"
            raise BundleError(
                f"{besides[service]}: boto3 has no client {service!r} for ServicePermission(…), but: {near}"
            )
    for folder in (entry for entry in data.iterdir() if entry.is_dir()):
        # The newest version of an API is the one that a client takes.
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


# How and where it was installed, which differs between machines; the rest of *.dist-info is what
# importlib.metadata and entry points need.
_INSTALLER = frozenset({"INSTALLER", "RECORD", "REQUESTED", "direct_url.json", "uv_cache.json"})


def _is_dependency(path: Path) -> bool:
    top = path.parts[0]
    if "__pycache__" in path.parts or top == "bin":
        return False
    if top.endswith(".dist-info") and path.name in _INSTALLER:
        return False
    if str(path).startswith(_EXCLUDED):
        return False
    return not path.name.startswith(".") and path.suffix not in {".pyi", ".pyc"}


# What takes the place of a package here.
_HINTS = {
    "boto3": "function.runtime.service calls AWS, and function.runtime.dynamodb the stack's tables"
}

# Where an import need not succeed.
_OPTIONAL = re.compile("TYPE_CHECKING|ImportError|ModuleNotFoundError")


def _imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Return the packages that a module imports in whatever way, each with its line."""
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


def _check_imports(own: Mapping[str, Path], theirs: Collection[str]) -> None:
    """Raise BundleError for a package that is here, but will not be in Lambda."""
    there = {name.partition("/")[0].partition(".")[0] for name in theirs}
    there |= {"", "function", *sys.stdlib_module_names}
    for name, path in own.items():
        try:
            tree = ast.parse(path.read_bytes(), str(path))
        except (SyntaxError, ValueError) as error:  # of a null byte, before Python 3.11.4
            raise BundleError(explain(error)) from None
        for package, line in _imports(tree):
            if package not in there:
                raise BundleError(
                    f"{name}, line {line}: {package} is not in the bundle; "
                    + _HINTS.get(
                        package,
                        "a package is added to function/requirements.in, and installed by: make "
                        "lock test",
                    )
                )


def files() -> dict[str, Path]:
    """Return what the bundle holds: name in the archive to file, sorted by name."""
    own = {path.relative_to(ROOT).as_posix(): path for path in (ROOT / "function").rglob("*.py")}
    theirs = _of(dependencies())
    _check_imports(own, theirs)
    bytecode = [
        compiled({name: path for name, path in part.items() if path.suffix == ".py"})
        for part in (theirs, own)
    ]
    return dict(sorted({**theirs, **own, **bytecode[0], **bytecode[1]}.items()))


def _of(base: Path) -> dict[str, Path]:
    """Return what a bundle takes of a folder with dependencies."""
    return {
        path.relative_to(base).as_posix(): path
        for path in base.rglob("*")
        if path.is_file() and _is_dependency(path.relative_to(base))
    }


def for_local_run(
    archive: pulumi.AssetArchive, interpreter: str = sys.executable
) -> pulumi.AssetArchive:
    """Return the bundle as a Python of this machine runs it: with compiled dependencies for it."""
    if not any(name.endswith(".so") for name in archive.assets):
        return archive
    own = {name: asset for name, asset in archive.assets.items() if name.startswith("function/")}
    theirs = _of(dependencies(("--python", interpreter)))
    return pulumi.AssetArchive({**{k: pulumi.FileAsset(str(v)) for k, v in theirs.items()}, **own})


def archive() -> pulumi.AssetArchive:
    """Return the bundle as a Pulumi archive of single files."""
    if not compiler():
        pulumi.log.warn(
            f"no Python {PYTHON_VERSION} is at hand, so the function is bundled without bytecode: "
            "it starts at half the speed, and its hash differs from one with bytecode. "
            f"Get one, for example by: uv python install {PYTHON_VERSION}"
        )
    return pulumi.AssetArchive(
        {name: pulumi.FileAsset(str(path)) for name, path in files().items()}
    )
