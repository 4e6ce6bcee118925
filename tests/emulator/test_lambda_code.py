"""The workers of a bundle share its files, and a new bundle those that did not change."""

import os
import py_compile
import tempfile
import zipfile
from pathlib import Path

import pytest

from emulator import lambda_code
from local import local_stack


def test_workers_share_the_unpacked_code(local: local_stack.LocalStack) -> None:
    local.call()
    folders = list(local.emulator.process.folder.glob("ministack-lambda-*/code"))
    assert folders
    assert all(folder.readlink().name.startswith("code-") for folder in folders)


def _bundle(folder: Path, **files: str) -> Path:
    path = folder / "code.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.py", text)
    return path


def _unpack(path: Path, link: Path) -> Path:
    link.mkdir()
    with lambda_code.SharedZip(path) as archive:
        archive.extractall(link)
    return link.resolve()


def test_a_new_bundle_shares_unchanged_files_and_their_bytecode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(lambda_code.SharedZip, "_former", (Path("/nonexistent"), {}))
    old = _unpack(_bundle(tmp_path, kept="x = 1", edited="y = 1", gone="z = 1"), tmp_path / "old")
    for name in ("kept", "edited", "gone"):
        py_compile.compile(str(old / f"{name}.py"))
    new = _unpack(_bundle(tmp_path, kept="x = 1", edited="y = 2", added="w = 1"), tmp_path / "new")
    assert {path.stem: path.read_text("utf-8") for path in new.glob("*.py")} == {
        "kept": "x = 1",
        "edited": "y = 2",
        "added": "w = 1",
    }
    assert (new / "kept.py").samefile(old / "kept.py")
    assert [path.name.partition(".")[0] for path in new.glob("__pycache__/*")] == ["kept"]
    assert (old / "edited.py").read_text("utf-8") == "y = 1"


def test_bytecode_that_a_bundle_brings_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(lambda_code.SharedZip, "_former", (Path("/nonexistent"), {}))
    sources = {f"module_{number}.py": "x = 1" for number in range(20)}
    brought = {f"__pycache__/{Path(name).stem}.cpython-313.pyc": "y" for name in sources}
    path = tmp_path / "code.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in (sources | brought).items():
            archive.writestr(name, text)
    found = _unpack(path, tmp_path / "link")
    assert {one.name for one in found.glob("__pycache__/*")} == {Path(n).name for n in brought}


def test_without_hard_links_a_new_bundle_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(lambda_code.SharedZip, "_former", (Path("/nonexistent"), {}))
    _unpack(_bundle(tmp_path, kept="x = 1", gone="z = 1"), tmp_path / "old")
    monkeypatch.setattr(os, "link", refuse)
    new = _unpack(_bundle(tmp_path, kept="x = 1", added="w = 1"), tmp_path / "new")
    assert {path.name for path in new.iterdir()} == {"kept.py", "added.py"}
    assert not list(tmp_path.glob("*.new"))
