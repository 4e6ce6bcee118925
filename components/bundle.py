"""The Lambda bundle: the function's modules and its locked dependencies, as named files.

An archive is a mapping of names to files, collected by rule, so that neither `__pycache__` nor a
stray file slips in and the same sources give the same archive on every machine.
"""

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

import pulumi
from uv import find_uv_bin

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "function" / "requirements.txt"

PYTHON_VERSION = "3.13"
PLATFORM = "aarch64-manylinux2014"

# boto3 ships models of every AWS service; the function talks to one.
_DATA_KEPT = ("dynamodb",)


class BundleError(RuntimeError):
    """The function's dependencies could not be installed for Lambda."""


def dependencies() -> Path:
    """Return the folder with the locked dependencies for Lambda's platform, building it once.

    The folder is named after the lock's hash, so a changed lock builds anew; it appears in one
    rename, so a build that was interrupted leaves nothing that looks complete.
    """
    if not LOCK.exists():
        raise BundleError(f"{LOCK.relative_to(ROOT)} is missing; restore it or run: make lock")
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]
    target = ROOT / ".build" / f"dependencies-{digest}"
    if target.exists():
        return target
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        install = [
            *(find_uv_bin(), "pip", "install", "--quiet", "--target", scratch + "/out"),
            *("--python-platform", PLATFORM, "--python-version", PYTHON_VERSION),
            *("--only-binary", ":all:", "--no-deps", "--require-hashes", "-r", str(LOCK)),
        ]
        result = subprocess.run(install, capture_output=True, text=True, check=False)
        if result.returncode:
            raise BundleError(f"cannot install {LOCK.relative_to(ROOT)}: {result.stderr.strip()}")
        try:
            os.rename(scratch + "/out", target)
        except OSError:
            if not target.exists():  # not another process that was faster
                raise
    return target


def _is_dependency(path: Path) -> bool:
    parts = path.parts
    if "__pycache__" in parts or parts[0] == "bin" or parts[0].endswith(".dist-info"):
        return False
    if path.name.startswith(".") or path.suffix in {".pyi", ".pyc"}:
        return False
    if parts[:2] == ("botocore", "data"):
        return len(parts) == 3 or parts[2] in _DATA_KEPT
    return parts[:2] not in {("boto3", "data"), ("boto3", "examples")}


def files() -> dict[str, Path]:
    """Return what the bundle holds: name in the archive to file, sorted by name."""
    own = {str(path.relative_to(ROOT)): path for path in (ROOT / "function").rglob("*.py")}
    base = dependencies()
    theirs = {
        str(path.relative_to(base)): path
        for path in base.rglob("*")
        if path.is_file() and _is_dependency(path.relative_to(base))
    }
    return dict(sorted({**theirs, **own}.items()))


def archive() -> pulumi.AssetArchive:
    """Return the bundle as a Pulumi archive of single files."""
    return pulumi.AssetArchive(
        {name: pulumi.FileAsset(str(path)) for name, path in files().items()}
    )
