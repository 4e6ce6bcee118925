"""The package's own files in a bundle: all of them, but for the lock, hidden and stray ones."""

from pathlib import Path

import pytest

from components.packaging.archive import Bundle
from components.packaging.dependencies import BundleError


@pytest.fixture(name="package")
def _package(tmp_path: Path) -> Path:
    """Return the folder of a package with one module and without dependencies."""
    package = tmp_path / "function"
    _write(package, "__init__.py", "requirements.in", "requirements.txt")
    return package


def _write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")


def _files(package: Path) -> set[str]:
    """Return the names of the package's own files in its bundle."""
    names = (name.split("/", 1) for name in Bundle(package=package).files())
    return {rest[0] for top, *rest in names if top == "function"} - {"__init__.py"}


def test_data_of_any_name_and_depth_is_in_the_bundle(package: Path) -> None:
    data = {
        *("data/countries.json", "data/de/städte.csv", "endpoints/mail.html", "LICENSE"),
        *("model.bin", "data/requirements.txt", "sub/module.py", "schema.pyi"),
    }
    _write(package, *data)
    assert _files(package) == data


def test_hidden_and_stray_files_are_not(package: Path) -> None:
    _write(package, ".python-version", ".env", ".DS_Store", "data/.cache/one", "a.py~", "#a.py#")
    _write(package, "a.py.orig", "a.py.rej", "__pycache__/a.cpython-313.pyc", "a.pyc", ".a.py.swp")
    assert _files(package) == set()


def test_links_stand_for_the_files_that_they_lead_to(package: Path, tmp_path: Path) -> None:
    _write(tmp_path / "shared", "__init__.py", "deep/module.py", "table.csv")
    (package / "shared").symlink_to(tmp_path / "shared")
    (package / "again").symlink_to("../shared/deep")
    (package / "copy.csv").symlink_to("shared/table.csv")
    (package / "main.py").write_text("from function.shared.deep import module\n")
    shared = {"shared/__init__.py", "shared/deep/module.py", "shared/table.csv"}
    assert _files(package) == {*shared, "again/module.py", "copy.csv", "main.py"}


@pytest.mark.parametrize("target", (".", "..", "../function/data", "absent"))
def test_a_link_that_leads_to_no_file_or_into_itself_is_refused(package: Path, target: str) -> None:
    _write(package, "data/one.json")
    (package / "data" / "link").symlink_to(target)
    with pytest.raises(BundleError, match="^function/data/link: .*remove it"):
        _files(package)


def test_two_links_that_lead_to_each_other_are_refused(package: Path) -> None:
    _write(package, "a/one", "b/one")
    (package / "a" / "to_b").symlink_to("../b")
    (package / "b" / "to_a").symlink_to("../a")
    with pytest.raises(BundleError, match="leads to its own parent"):
        _files(package)


@pytest.mark.parametrize("source", ("print 'x'", "x = 1\0", "def"))
def test_an_own_module_that_is_invalid_is_refused(package: Path, source: str) -> None:
    (package / "helper.py").write_text(source)
    with pytest.raises(BundleError, match="^function/helper.py: "):
        _files(package)
