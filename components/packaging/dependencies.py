"""The locked dependencies of a bundle, installed for Lambda or for a Python of this machine.

The bundle brings the AWS SDK instead of using the one in Lambda's runtime. The lock decides its
version, and its data shrinks to the services that the code calls. `make bench` shows the effect.
"""

import gzip
import json
import os
import re
import shutil
import subprocess
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pulumi
from uv import find_uv_bin

from components.packaging import pip_settings
from components.packaging.build_folder import built
from components.packaging.interpreter import PYTHON_VERSION
from function.declare.permission import ACTIONS

# Amazon Linux 2023, below Lambda's Pythons from 3.12 on, has glibc 2.34. `make lock` has it too.
PLATFORM = "aarch64-manylinux_2_34"

# uv's target, unless a Python of this machine is the target.
LAMBDA = (*("--python-platform", PLATFORM), *("--python-version", PYTHON_VERSION))

_STORAGE = "dynamodb"
# The operations that a table's permissions allow under other names.
_ITEM_OPERATIONS = {name.partition(":")[2] for name in ACTIONS} | {
    *("BatchExecuteStatement", "ExecuteStatement", "ExecuteTransaction"),
    *("TransactGetItems", "TransactWriteItems"),
}

# Nothing loads these: uv's lock, the tracer's patches of other packages, the compiled half of
# wrapt, which works without it, and dateutil's copy of the time zones, which Lambda's system has.
_EXCLUDED = (
    *(".lock", "aws_xray_sdk/ext/", "wrapt/_wrappers"),
    "dateutil/zoneinfo/dateutil-zoneinfo.tar.gz",
)

# AWS's documentation names these roots of its certificates.
_AMAZONS = re.compile(
    r'# Label: "(?:Amazon Root CA|Starfield Services Root Certificate Authority).*?'
    "(-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n)",
    re.DOTALL,
)

# These files differ between machines. importlib.metadata and entry points need the others of
# *.dist-info.
_INSTALLER = frozenset({"INSTALLER", "RECORD", "REQUESTED", "direct_url.json", "uv_cache.json"})


class BundleError(pulumi.RunError):
    """The bundle cannot be built, or would fail in Lambda."""


def install(
    lock: bytes, services: Collection[str], target_platform: Sequence[str], build: Path
) -> Path:
    """Return the folder with a lock's dependencies for a platform, which `build` keeps.

    Beside it, `lock` and `services.json` keep the first arguments for `for_local_run`.
    """

    def make(out: Path) -> None:
        (out / "lock").write_bytes(lock)
        (out / "services.json").write_text(json.dumps(sorted(services)), encoding="utf-8")
        packages = out / "packages"
        _install(out / "lock", target_platform, packages)
        if (data := packages / "botocore" / "data").exists():
            # boto3's resources read the whole model of their service, and its clients may call
            # any server.
            boto3 = (packages / "boto3").exists()
            _strip_sdk_data(data, services, whole_storage=boto3 or _STORAGE in services)
            if not boto3:
                _keep_amazons_authorities(packages / "botocore" / "cacert.pem")

    chosen = " ".join([*sorted(services), *target_platform]).encode()
    inputs = (lock, Path(__file__).read_bytes(), chosen)
    return built(build, "dependencies", inputs, make) / "packages"


def _install(lock: Path, target_platform: Sequence[str], packages: Path) -> None:
    packages.mkdir()
    result = subprocess.run(
        [
            *(find_uv_bin(), "pip", "install", "--quiet", "--target", packages),
            "--link-mode=copy",  # a link would lead into uv's cache
            *(*target_platform, "--only-binary", ":all:", "--no-deps", "--require-hashes"),
            *("-r", lock),
        ],
        env=pip_settings.uv_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        cause = " ".join(result.stderr.partition("\nhint:")[0].split())
        cause = pip_settings.without_credentials(cause.removeprefix("error: "))
        advice = pip_settings.ADVICE
        if "wheels" in cause:
            advice = (
                f"the lock is for Python {PYTHON_VERSION}: run: make lock, and for the local run "
                f"install that Python, for example by: uv python install {PYTHON_VERSION}"
            )
        raise BundleError(f"cannot install the function's lock: {cause}; {advice}")


def files_of(packages: Path) -> dict[str, Path]:
    """Return the files of installed packages that belong in a bundle, by their names there.

    These are all files of the wheels but `_EXCLUDED`, and but for those that the installer writes
    for this machine: scripts with the path of its Python, bytecode, and its notes.
    """
    found: dict[str, Path] = {}
    for folder, _, files in os.walk(packages):
        within = "" if Path(folder) == packages else f"{Path(folder).relative_to(packages)}/"
        paths = {f"{within}{name}": Path(folder, name) for name in files}
        found |= {name: path for name, path in paths.items() if _is_portable(name, path)}
    return found


def _is_portable(name: str, path: Path) -> bool:
    parts = name.split("/")
    if parts[0] == "bin":
        return not path.read_bytes().startswith(b"#!")
    if "__pycache__" in parts or parts[0].endswith(".dist-info") and path.name in _INSTALLER:
        return False
    return not name.startswith(_EXCLUDED)


def _keep_amazons_authorities(known: Path) -> None:
    """Reduce botocore's CAs to those of AWS's services; the function reads other ones of Lambda."""
    if known.exists() and (found := _AMAZONS.findall(known.read_text(encoding="utf-8"))):
        known.write_text("".join(found), encoding="ascii")


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


def _strip_sdk_data(data: Path, besides: Collection[str], *, whole_storage: bool) -> None:
    """Reduce botocore's data to DynamoDB's items and the services `besides`, as plain JSON."""
    services = {_STORAGE, *besides}
    folders = {entry.name: entry for entry in data.iterdir() if entry.is_dir()}
    for service in sorted(services - folders.keys()):
        raise BundleError(f"ServicePermission({service!r}, …): boto3 has no client of this name")
    for name, folder in folders.items():
        # A client takes the newest version of an API.
        keep = max(folder.iterdir()) if name in services else None
        for version in folder.iterdir():
            if version != keep:
                shutil.rmtree(version)
    for packed in data.rglob("*.json.gz"):
        model = _without_documentation(json.loads(gzip.decompress(packed.read_bytes())))
        if packed.match(f"{_STORAGE}/*/service-2.json.gz") and not whole_storage:
            model = _item_operations(model)
        packed.with_suffix("").write_text(json.dumps(model, separators=(",", ":")))
        packed.unlink()
    endpoints = data / "endpoints.json"
    known = json.loads(endpoints.read_bytes())
    for partition in known["partitions"]:
        known_there = partition["services"].items()
        partition["services"] = {name: spec for name, spec in known_there if name in services}
    endpoints.write_text(json.dumps(known, separators=(",", ":")))
