"""The dependencies in a bundle: for Lambda's platform, whole, and the same on every machine."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.packaging import archive, bytecode, interpreter
from components.packaging.archive import Bundle
from components.packaging.dependencies import LAMBDA, BundleError
from components.packaging.imports import STANDARD_LIBRARY
from local.stack_files import ROOT
from tests.conftest import output
from tests.fixtures import wheels

Wheel = Callable[..., None]


@pytest.fixture(name="package")
def _package(tmp_path: Path) -> Path:
    """Return the folder of a package with one module."""
    package = tmp_path / "function"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "requirements.txt").write_text("")
    return package


@pytest.fixture(name="add_wheel")
def _add_wheel(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wheel:
    """Return a function that builds a wheel, and adds it to the package's lock.

    pip's settings alone lead to it.
    """
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))

    def add(*wheel: Any) -> None:
        with (package / "requirements.txt").open("a") as lock:
            lock.write(wheels.write(tmp_path, *wheel))

    return add


def _lock_command() -> str:
    plan = output(ROOT, "make", "--dry-run", "lock").splitlines()
    (command,) = [line for line in plan if "function/requirements.in -o" in line]
    return command


def test_the_lock_and_the_bundle_take_wheels_for_the_same_platform_only() -> None:
    header = (ROOT / "function" / "requirements.txt").read_text("utf-8").splitlines()[1]
    for command in (header, _lock_command()):
        words = " ".join(command.split())
        for option in (" ".join(LAMBDA[:2]), " ".join(LAMBDA[2:]), "--only-binary :all:"):
            assert option in words


@pytest.mark.parametrize(
    ("tag", "fits"),
    {
        "cp313-cp313-manylinux_2_34_aarch64": True,
        "cp39-abi3-manylinux_2_28_aarch64": True,
        "cp313-cp313-manylinux_2_35_aarch64": False,
        "cp313-cp313-musllinux_1_2_aarch64": False,
        "cp313-cp313-manylinux_2_34_x86_64": False,
        "cp312-cp312-manylinux_2_34_aarch64": False,
    }.items(),
)
def test_a_wheel_installs_only_if_lambda_can_load_it(
    package: Path, add_wheel: Wheel, tag: str, fits: bool
) -> None:
    add_wheel("fast", {"fast/__init__.py": ""}, tag)
    if fits:
        assert "fast/__init__.py" in Bundle(package=package).files()
    else:
        with pytest.raises(BundleError, match="run: make lock"):
            Bundle(package=package).files()


def test_every_file_of_a_wheel_is_in_the_bundle_unless_it_names_this_machine(
    package: Path, add_wheel: Wheel
) -> None:
    kept = {
        **{"lib/__init__.py": "", "lib/__init__.pyi": "", "lib/.snapshot": "", ".lib.toml": ""},
        **{"lib/.hidden/one.json": "{}", "lib/sub/bin/data": "", "lib/old.pyc": b"\0"},
        **{"lib/INSTALLER": "", "lib-1.dist-info/entry_points.txt": "", "lib.pth": ""},
    }
    scripts = {"lib-1.data/scripts/run": "#!python\n", "lib-1.data/scripts/native": b"\x7fELF"}
    cached = {"lib/__pycache__/other.cpython-313.pyc": b"\0"}
    add_wheel("lib", {**kept, **scripts, **cached})
    found = {name for name in Bundle(package=package).files() if "/__pycache__/" not in name}
    info = {f"lib-1.dist-info/{name}" for name in ("METADATA", "WHEEL")}
    assert found == {*kept, *info, "bin/native", "function/__init__.py"}


INVALID: dict[str, str | bytes] = {
    "lib/_py2.py": "print 'x'\nexec code in space\n",
    "lib/latin.py": b"x = '\xe9'\n",
    "lib/deep.py": "(" * 500 + ")" * 500,
}


def test_an_invalid_module_of_a_dependency_stays_without_bytecode(
    package: Path, add_wheel: Wheel
) -> None:
    add_wheel("lib", {"lib/__init__.py": "", "lib/odd.py": "'\\d'\n", **INVALID})
    (package / "__init__.py").write_text("import lib\n")
    files = Bundle(package=package).files()
    assert INVALID.keys() <= files.keys()
    compiled = {name.split("/")[-1].split(".")[0] for name in files if name.endswith(".pyc")}
    assert compiled == ({"__init__", "odd"} if interpreter.compiler() else set())


def test_a_failure_of_the_installer_names_the_variables_and_no_password(
    package: Path, add_wheel: Wheel, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_wheel("lib", {})
    monkeypatch.setenv("PIP_NO_INDEX", "0")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_INDEX_URL", "http://someone:secret@127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(BundleError, match="PIP_INDEX_URL for a mirror") as failed:
        Bundle(package=package).files()
    assert "127.0.0.1:9" in str(failed.value) and "secret" not in str(failed.value)


def test_settings_that_redirect_an_installation_do_not_reach_it(
    package: Path, add_wheel: Wheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_wheel("lib", {"lib.py": ""})
    (tmp_path / "constraints.txt").write_text("lib==2\n")
    for name in ("PIP_CONSTRAINT", "UV_CONSTRAINT", "UV_OVERRIDE"):
        monkeypatch.setenv(name, str(tmp_path / "constraints.txt"))
    for name in ("PIP_USER", "PIP_REQUIRE_VIRTUALENV", "UV_SYSTEM_PYTHON", "UV_COMPILE_BYTECODE"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "elsewhere"))
    assert "lib.py" in Bundle(package=package).files()
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("sdk", ((), ("boto3",)))
def test_boto3_has_the_whole_model_of_dynamodb_that_its_resources_read(
    package: Path, add_wheel: Wheel, sdk: tuple[str, ...]
) -> None:
    model = {"operations": {"GetItem": {}, "DescribeTable": {}}, "shapes": {"Table": {}}}
    data = "botocore/data/dynamodb/2012-08-10/service-2.json"
    endpoints = {"botocore/data/endpoints.json": json.dumps({"partitions": []})}
    add_wheel("botocore", {**endpoints, f"{data}.gz": gzip.compress(json.dumps(model).encode())})
    for name in sdk:
        add_wheel(name, {f"{name}/__init__.py": ""})
    (package / "__init__.py").write_text("".join(f"import {name}\n" for name in sdk))
    kept = json.loads(Bundle(package=package).files()[data].read_bytes())
    assert kept == model if sdk else kept["operations"] == {"GetItem": {}} and not kept["shapes"]


@pytest.mark.parametrize("one_file", [False, True])
def test_the_local_run_swaps_compiled_dependencies_and_keeps_own_files(
    package: Path, add_wheel: Wheel, one_file: bool
) -> None:
    add_wheel("lib", {"lib/fast.so": "", "lib/__init__.py": ""})
    (package / "fast.json").write_text("{}")
    if one_file:
        (package / "runtime").mkdir()
        (package / "runtime" / "bytecode_file.py").write_text("")
    whole = archive.files_in(Bundle(package=package).archive())
    names = archive.for_local_run(whole).keys()
    assert {"lib/fast.so", "function/fast.json"} <= names
    assert names == whole.keys()
    # Another wheel may have another source, whose bytecode would not fit.
    for source in package.parent.glob(".build/dependencies-*/packages/lib/__init__.py"):
        if source != whole["lib/__init__.py"]:
            source.write_text("X = 1")
    gone = names - archive.for_local_run(whole).keys()
    expected = bytecode.DEPENDENCIES if one_file else "__init__.cpython-313.pyc"
    assert {Path(name).name for name in gone} <= {expected}
    assert bool(gone) == bool(interpreter.compiler())


def test_the_standard_library_of_lambdas_python_is_known() -> None:
    if not (python := interpreter.compiler()):
        pytest.skip("no Python of Lambda's version is at hand")
    show = "import sys; print(*sys.stdlib_module_names)"
    listed = output(ROOT, python, "-c", show).split()
    public = {name for name in listed if not name.startswith("_")}
    known = {name for name in STANDARD_LIBRARY if not name.startswith("_")}
    assert known - public == {"awslambdaric", "snapshot_restore_py"} and public <= known
