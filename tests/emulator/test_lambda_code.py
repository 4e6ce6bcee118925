"""The workers of a bundle share its files, and a new bundle those that did not change."""

import os
import py_compile
import tempfile
from pathlib import Path

import pytest

from emulator import lambda_code
from local import local_stack
from tests.emulator.conftest import zipped


def test_workers_share_the_unpacked_code(local: local_stack.LocalStack) -> None:
    local.call()
    folders = list(local.emulator.process.folder.glob("ministack-lambda-*/code"))
    assert folders
    assert all(folder.readlink().name.startswith("code-") for folder in folders)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the temporary folder of an emulator that has unpacked no bundle."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(lambda_code.SharedZip, "_former", (Path("/nonexistent"), {}))
    return tmp_path


def _bundle(folder: Path, files: dict[str, str]) -> Path:
    path = folder / "code.zip"
    path.write_bytes(zipped(files))
    return path


def _unpack(path: Path, link: Path) -> Path:
    link.mkdir()
    with lambda_code.SharedZip(path) as archive:
        archive.extractall(link)
    return link.resolve()


def test_a_new_bundle_shares_unchanged_files_and_their_bytecode(folder: Path) -> None:
    old = _unpack(
        _bundle(folder, {"kept.py": "x = 1", "edited.py": "y = 1", "gone.py": "z = 1"}),
        folder / "old",
    )
    for name in ("kept", "edited", "gone"):
        py_compile.compile(str(old / f"{name}.py"))
    new = _unpack(
        _bundle(folder, {"kept.py": "x = 1", "edited.py": "y = 2", "added.py": "w = 1"}),
        folder / "new",
    )
    assert {path.stem: path.read_text("utf-8") for path in new.glob("*.py")} == {
        "kept": "x = 1",
        "edited": "y = 2",
        "added": "w = 1",
    }
    assert (new / "kept.py").samefile(old / "kept.py")
    assert [path.name.partition(".")[0] for path in new.glob("__pycache__/*")] == ["kept"]
    assert (old / "edited.py").read_text("utf-8") == "y = 1"


def test_bytecode_that_a_bundle_brings_stays(folder: Path) -> None:
    sources = {f"module_{number}.py": "x = 1" for number in range(20)}
    brought = {f"__pycache__/{Path(name).stem}.cpython-313.pyc": "y" for name in sources}
    found = _unpack(_bundle(folder, sources | brought), folder / "link")
    assert {one.name for one in found.glob("__pycache__/*")} == {Path(n).name for n in brought}


def test_without_hard_links_a_new_bundle_is_unpacked(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no links here")

    _unpack(_bundle(folder, {"kept.py": "x = 1", "gone.py": "z = 1"}), folder / "old")
    monkeypatch.setattr(os, "link", refuse)
    new = _unpack(_bundle(folder, {"kept.py": "x = 1", "added.py": "w = 1"}), folder / "new")
    assert {path.name for path in new.iterdir()} == {"kept.py", "added.py"}
    assert not list(folder.glob("*.new"))
