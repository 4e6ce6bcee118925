"""The file from which Lambda's Python imports the dependencies."""

import importlib
import py_compile
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.packaging import bytecode
from function.runtime import bytecode_file

_SOURCES = {
    "shelf/__init__.py": "X = 1\n",
    "shelf/book/__init__.py": "from shelf import X\n",
    "shelf/book/page.py": "from shelf.book import X\n\n\ndef fail():\n    raise ValueError(X)\n",
    "single.py": "Y = 2\n",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder with modules, whose bytecode is in the file."""
    compiled = {}
    for name, text in _SOURCES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
        cached = py_compile.compile(str(tmp_path / name), doraise=True)
        compiled[str(Path(cached).relative_to(tmp_path))] = Path(cached)
    (file,) = bytecode.in_one_file(compiled, _SOURCES, tmp_path / "build").values()
    file.rename(tmp_path / f"dependencies.{sys.implementation.cache_tag}")
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.split(".")[0] in {"shelf", "single"}]:
        del sys.modules[name]


def test_modules_are_imported_from_the_file(folder: Path) -> None:
    for name in _SOURCES:
        (folder / name).write_text("raise ImportError\n")
    bytecode_file.install(str(folder))
    page, single = map(importlib.import_module, ("shelf.book.page", "single"))
    assert (page.X, single.Y) == (1, 2)
    assert page.__file__ == str(folder / "shelf/book/page.py")
    assert page.__package__ == "shelf.book" and not hasattr(single, "__path__")


def test_a_traceback_shows_the_source(folder: Path) -> None:
    bytecode_file.install(str(folder))
    page = importlib.import_module("shelf.book.page")
    with pytest.raises(ValueError, match="1") as caught:
        page.fail()
    assert "raise ValueError(X)" in "".join(traceback.format_exception(caught.value))


def test_modules_read_data_beside_them(folder: Path) -> None:
    (folder / "shelf" / "data.txt").write_text("data")
    bytecode_file.install(str(folder))
    shelf = importlib.import_module("shelf")
    assert shelf.__path__ == [str(folder / "shelf")]
    assert shelf.__loader__.get_data(f"{shelf.__path__[0]}/data.txt") == b"data"


@pytest.mark.parametrize("name", ["dependencies.cpython-27", None])
def test_a_file_for_another_python_changes_nothing(folder: Path, name: str | None) -> None:
    file = folder / f"dependencies.{sys.implementation.cache_tag}"
    content = file.read_bytes()
    file.unlink()
    # The other name, or another version of the bytecode under the own name.
    (folder / (name or file.name)).write_bytes(content if name else b"old\n" + content[4:])
    before = list(sys.meta_path)
    bytecode_file.install(str(folder))
    assert sys.meta_path == before


def test_a_source_beside_an_extension_stays_out(tmp_path: Path) -> None:
    compiled = {}
    for stem in ("fast", "slow"):
        name = f"lib/__pycache__/{stem}.{sys.implementation.cache_tag}.pyc"
        compiled[name] = tmp_path / stem
        compiled[name].write_bytes(bytes(16))
    packages = ("lib/fast.cpython-313-aarch64-linux-gnu.so", "lib/fast.py", "lib/slow.py")
    separate = bytecode.in_one_file(compiled, packages, tmp_path / "build").keys()
    assert separate & compiled.keys() == {name for name in compiled if "fast" in name}
