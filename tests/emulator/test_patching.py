"""Names of MiniStack and uvicorn that the emulator replaces, reads or calls."""

import ast
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from local import local_stack
from local.ministack import EmulatorError
from local.stack_files import ROOT

_SOURCES = sorted(ROOT.joinpath("emulator").rglob("*.py"))

# Statements that change a library as another version would, and the expected error line.
_CHANGES = {
    "from ministack.services import scheduler; del scheduler._tick_schedules": (
        "ministack.services.scheduler._tick_schedules is missing, expected ()"
    ),
    "from ministack.services import scheduler; scheduler._SCHEDULE_TICK_INTERVAL = '10'": (
        "ministack.services.scheduler._SCHEDULE_TICK_INTERVAL is str, expected int"
    ),
    "from ministack.services import apigateway_v1 as v1; v1._take_token = lambda slot, at: 1": (
        "ministack.services.apigateway_v1._take_token is (slot, at), expected (slot, limits)"
    ),
    "from ministack import app; app.app = lambda scope, receive, send: 1": (
        "ministack.app.app is (scope, receive, send), expected async (scope, receive, send)"
    ),
    "import uvicorn; del uvicorn.Config": "module 'uvicorn' has no attribute 'Config'",
    "from ministack.services import scheduler; scheduler._schedules = {}": (
        "'dict' object has no attribute '_data'"
    ),
    "from ministack.core import lambda_runtime as runtime\n"
    "class Worker:\n"
    "    def __init__(self, func_name, config, code_zip): pass\n"
    "    def invoke(self, event, request_id, *, trace_id, depth, durable, invoked_function_arn):\n"
    "        pass\n"
    "    def _spawn(self): pass\n"
    "    def _read_stderr(self): pass\n"
    "    def _drain_stderr(self): pass\n"
    "    def _drain_stderr_bounded(self, first_line_wait, idle_confirm, hard_cap): pass\n"
    "Worker.__module__ = runtime.__name__\n"
    "runtime.Worker = Worker": "ministack.core.lambda_runtime.Worker.config is missing",
    "import sys; from ministack import core; del core.sigv4\n"
    "sys.modules['ministack.core.sigv4'] = None": ("import of ministack.core.sigv4 halted"),
}


# Imports the libraries once, then starts the emulator in a child for each change.
_STARTS = """
import json, os, runpy, sys
import emulator.__main__

for name in [name for name in sys.modules if name.partition(".")[0] == "emulator"]:
    del sys.modules[name]
for change in json.load(sys.stdin):
    if not (child := os.fork()):
        exec(change)
        runpy.run_module("emulator", run_name="__main__", alter_sys=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def test_another_version_of_a_library_stops_the_start_with_one_line() -> None:
    with socket.socket() as listener:
        run = subprocess.run(
            [sys.executable, "-c", _STARTS, str(listener.fileno())],
            cwd=ROOT,
            env={**os.environ, "AUTH": "true", "GATEWAY_PORT": "1"},
            pass_fds=(listener.fileno(),),
            input=json.dumps([*_CHANGES]),
            capture_output=True,
            text=True,
            check=True,
        )
    assert run.stdout.split() == ["1"] * len(_CHANGES)
    for (change, error), line in zip(_CHANGES.items(), run.stderr.splitlines(), strict=True):
        library = "uvicorn" if "uvicorn" in change else "ministack"
        assert line.startswith(f"{library} ") and "does not fit the emulator: " in line
        assert error in line and "git restore requirements-dev.txt" in line


def test_the_local_run_shows_the_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change, line = next(iter(_CHANGES.items()))
    # Python runs this module at every start; only the emulator's process imports MiniStack.
    guard = "import sys\nif 'emulator' in sys.orig_argv:\n    "
    tmp_path.joinpath("sitecustomize.py").write_text(guard + change, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(EmulatorError) as failed, local_stack.emulated_account("eu-central-1"):
        pass
    said = str(failed.value)
    assert line in said and "git restore requirements-dev.txt" in said and "\n" not in said


@pytest.mark.parametrize("path", _SOURCES, ids=lambda path: path.name)
def test_only_the_helper_replaces_names_of_libraries(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert ("setattr" in called) == (path.name == "patching.py")
    modules = {
        name.asname or name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    targets = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    ]
    assert not [node for node in targets if ast.unparse(node.value) in modules]


def test_the_readme_names_every_repair_and_an_existing_test() -> None:
    readme = ROOT.joinpath("emulator", "README.md").read_text(encoding="utf-8")
    for path in _SOURCES:
        if "PATCHES = (" in (text := path.read_text("utf-8")) or "def patches(" in text:
            assert f"`{path.relative_to(ROOT / 'emulator')}`" in readme
    tests = [word for word in readme.replace("`", " ").split() if word.startswith("test_")]
    assert tests and not [name for name in tests if not list(ROOT.glob(f"tests/**/{name}"))]
