"""A function's worker finds what Lambda has: the standard library and the bundle."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from components.packaging import interpreter
from emulator import lambda_workers
from local import local_stack
from local.stack_files import ROOT
from tests.conftest import output
from tests.emulator.conftest import function_of

_CODE = """
import importlib.util
import sys

BEFORE = "botocore" in sys.modules


def handler(event, context):
    names = event.get("names", ())
    found = {name: bool(importlib.util.find_spec(name)) for name in names}
    version = "%d.%d" % sys.version_info[:2]
    return {"found": found, "path": sys.path, "version": version, "encoding": sys.stdout.encoding,
            "exit": callable(exit), "customized": "sitecustomize" in sys.modules,
            "botocore": [BEFORE, len(sys.modules["botocore.handlers"].BUILTIN_HANDLERS)]}
"""


@pytest.fixture(name="ask")
def _ask(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Return a function that calls a worker, and returns its response."""
    for owner, name, new in lambda_workers.PATCHES:
        monkeypatch.setattr(owner, name, new(getattr(owner, name)))
    monkeypatch.setattr(lambda_workers, "_PYTHON", interpreter.local_python())
    monkeypatch.setenv("PYTHONPATH", os.path.dirname(__file__))
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    (tmp_path / "sitecustomize.py").write_text("")
    sdk = {"botocore/__init__.py": "", "botocore/handlers.py": "BUILTIN_HANDLERS = []\n"}
    files = {"main.py": _CODE, "own/__init__.py": "", **sdk}
    variables = {"Variables": {"PYTHONPATH": str(tmp_path)}}
    function = function_of("alone", files, Environment=variables)
    worker = lambda_workers._Worker("alone", *function.values())
    yield lambda **event: worker.invoke(event, "request")["result"]
    worker.kill()


def test_it_finds_the_bundle_and_the_standard_library_only(ask: Callable[..., Any]) -> None:
    absent = ("pytest", "pulumi", "yaml", "boto3", "pip", "setuptools", "_distutils_hack")
    local = ("test_worker_python", "conftest", "components", "emulator")
    answer = ask(names=("json", "own", *absent, *local))
    assert {name for name, found in answer["found"].items() if found} == {"json", "own"}
    assert not [folder for folder in answer["path"] if "-packages" in folder]


def test_it_reads_the_functions_own_pythonpath(ask: Callable[..., Any], tmp_path: Path) -> None:
    answer = ask(names=("sitecustomize",))
    assert answer["path"][-1] == str(tmp_path) and answer["customized"]


def test_it_runs_on_the_python_of_the_bundle_as_lambda_starts_it(ask: Callable[..., Any]) -> None:
    answer = ask()
    show = [interpreter.local_python(), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    assert answer["version"] == output(ROOT, *show).strip()
    assert answer["exit"] and answer["encoding"].lower() == "utf-8"


def test_the_function_imports_botocore_before_the_emulator_uses_it(ask: Callable[..., Any]) -> None:
    assert ask()["botocore"] == [False, 1]


def test_other_processes_of_the_emulator_start_as_they_are() -> None:
    show = ["/bin/sh", "-c", "echo started"]
    with lambda_workers._popen(show, stdout=subprocess.PIPE, text=True) as process:
        assert process.communicate()[0] == "started\n"


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="/proc names the arguments of a process")
def test_the_local_run_starts_workers_on_lambdas_python(local: local_stack.LocalStack) -> None:
    assert local.call().status == 201
    running = []
    for folder in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):  # the process has ended
            with open(f"/proc/{folder}/cmdline", encoding="utf-8", errors="replace") as file:
                running.append(file.read().split("\0"))
    started = [words for words in running if str(local.emulator.process.folder) in "".join(words)]
    workers = [words for words in started if any(word.endswith("_worker.py") for word in words)]
    assert workers
    assert {(words[0], *words[1:3]) for words in workers} == {
        (interpreter.local_python(), "-I", "-S")
    }
