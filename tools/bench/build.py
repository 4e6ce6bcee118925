"""Builds a folder for each case with only its dependencies, with or without bytecode."""

import os
import shutil
import subprocess
import zipfile
from collections.abc import Collection, Iterable
from io import BytesIO
from pathlib import Path

from uv import find_uv_bin

from components.packaging import archive
from components.packaging.bytecode import DEPENDENCIES
from components.packaging.project_bundle import project_bundle
from local.resources.compute import zip_bytes
from local.stack_files import ROOT

LOCK = ROOT / "tools" / "bench" / "requirements.txt"
CASES = ROOT / "tools" / "bench" / "cases"
# This function; and with an endpoint that declares a body, or takes tokens.
VARIANTS = {"epoch_body": "body_endpoint", "epoch_jwt": "jwt_endpoint"}
OWN = ("epoch", *VARIANTS)
# The dependencies of each alternative.
SDK = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")
PEERS = {
    "boto3_client": SDK,
    "boto3_resource": SDK,
    "powertools": (*SDK, "aws_lambda_powertools", "aws_xray_sdk", "typing_extensions", "wrapt"),
    "pydynox": ("pydynox", "pydynox-*.dist-info", "typing_extensions"),
    "raw_http": (),
}


def _installed(python: str) -> Path:
    """Return the folder with all dependencies, built once for each lock."""
    target = ROOT / ".bench" / "peers"
    stamp = target / ".lock"
    if not stamp.exists() or stamp.read_bytes() != LOCK.read_bytes():
        shutil.rmtree(target, ignore_errors=True)
        command = [
            *(find_uv_bin(), "pip", "install", "--quiet", "--target", str(target)),
            *("--python", python, "--no-deps", "--only-binary", ":all:", "--link-mode=copy"),
            *("--require-hashes", "-r", str(LOCK)),
        ]
        subprocess.run(command, check=True)
        stamp.write_bytes(LOCK.read_bytes())
    return target


def _compile(python: str, folder: Path) -> None:
    command = (python, "-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash")
    subprocess.run([*command, str(folder)], check=True)


def _without_bytecode(folder: Path) -> None:
    (folder / DEPENDENCIES).unlink(missing_ok=True)
    for cache in list(folder.rglob("__pycache__")):
        shutil.rmtree(cache)


def _add_case(folder: Path, name: str) -> None:
    for source, target in (("runner", "runner"), ("event", "event"), (name, "case")):
        shutil.copyfile(CASES / f"{source}.py", folder / f"{target}.py")


def folders(python: str, only: Collection[str]) -> tuple[dict[str, Path], int]:
    """Return the folder of each case, or of those in `only`, and the zipped bundle's size."""
    base = ROOT / ".bench" / "cases"
    shutil.rmtree(base, ignore_errors=True)
    peers = _installed(python)
    _without_bytecode(peers)
    files = project_bundle().files()
    packed = zip_bytes(files, zipfile.ZIP_DEFLATED)
    # A body needs the compiled packages of this machine.
    for_variants = zip_bytes(archive.for_local_run(files, python))
    found: dict[str, Path] = {}
    for name in (*OWN, *PEERS):
        for case in (name, f"{name}_sources"):
            if (only and case not in only) or (name in VARIANTS and case != name):
                continue
            folder = base / case
            folder.mkdir(parents=True)
            if name in OWN:
                used = for_variants if name in VARIANTS else packed
                with zipfile.ZipFile(BytesIO(used)) as bundle:
                    bundle.extractall(folder)
            else:
                _copy(peers, folder, PEERS[name])
            _add_case(folder, name)
            if endpoint := VARIANTS.get(name):
                added = folder / "function" / "endpoints" / f"{endpoint}.py"
                shutil.copyfile(CASES / f"{endpoint}.py", added)
                _compile(python, added)
            if case != name:
                _without_bytecode(folder)
            elif name not in OWN:
                _compile(python, folder)
            else:
                for own in ("runner", "case", "event"):  # the bundle is compiled already
                    _compile(python, folder / f"{own}.py")
            found[case] = folder
    return found, len(packed)


def trust(folder: Path, authority: Path) -> None:
    """Add a CA to those of a case's botocore."""
    for known in folder.glob("botocore/*.pem"):
        text = known.read_bytes()
        known.unlink()  # a link to the file of all cases
        known.write_bytes(text + b"\n" + authority.read_bytes())


def _copy(peers: Path, folder: Path, names: Iterable[str]) -> None:
    for source in (path for name in names for path in peers.glob(name)):
        shutil.copytree(source, folder / source.name, copy_function=os.link)
    for source in (path for name in names for path in peers.glob(f"{name}.py")):
        os.link(source, folder / source.name)
