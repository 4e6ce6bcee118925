"""Names of MiniStack, hypercorn and h11 that the emulator replaces, reads or calls."""

import ast
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

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
    "from ministack.core.lambda_runtime import Worker; del Worker._drain_stderr_bounded": (
        "ministack.core.lambda_runtime.Worker._drain_stderr_bounded is missing, expected (self, "
    ),
    "import h11; h11.Connection.next_event = lambda self, at: 1": (
        "h11.Connection.next_event is (self, at), expected (self)"
    ),
    "from ministack.services import sqs; del sqs._queue_by_arn": (
        "module 'ministack.services.sqs' has no attribute '_queue_by_arn'"
    ),
    "from ministack.services import scheduler; scheduler._schedules = {}": (
        "'dict' object has no attribute '_data'"
    ),
    "from ministack.core import lambda_runtime; del lambda_runtime.Worker": (
        "module 'ministack.core.lambda_runtime' has no attribute 'Worker'"
    ),
    "from ministack.core import lambda_runtime as runtime\n"
    "class Worker:\n"
    "    def __init__(self, func_name, config, code_zip): pass\n"
    "    def _spawn(self): pass\n"
    "    def _read_stderr(self): pass\n"
    "    def _drain_stderr(self): pass\n"
    "    def _drain_stderr_bounded(self, first_line_wait, idle_confirm, hard_cap): pass\n"
    "Worker.__module__ = runtime.__name__\n"
    "runtime.Worker = Worker": "ministack.core.lambda_runtime.Worker._proc is missing",
    "import sys; sys.modules['ministack.core.sigv4'] = None": "ministack.core.sigv4",
}


@pytest.mark.parametrize("change", _CHANGES)
def test_another_version_of_a_library_stops_the_start_with_one_line(change: str) -> None:
    start = "import runpy, sys; runpy.run_module('emulator', run_name='__main__', alter_sys=True)"
    with socket.socket() as listener:
        run = subprocess.run(
            [sys.executable, "-c", f"{change}\n{start}", str(listener.fileno())],
            cwd=ROOT,
            env={**os.environ, "AUTH": "true", "GATEWAY_PORT": "1"},
            pass_fds=(listener.fileno(),),
            capture_output=True,
            text=True,
            check=False,
        )
    library = "h11" if "h11" in change else "ministack"
    assert run.returncode == 1 and run.stderr.count("\n") == 1
    assert run.stderr.startswith(f"{library} ") and "does not fit the emulator: " in run.stderr
    assert _CHANGES[change] in run.stderr and "git restore requirements-dev.txt" in run.stderr


def test_the_demo_shows_the_line(tmp_path: Path) -> None:
    change, line = next(iter(_CHANGES.items()))
    # Python runs this module at every start; only the emulator's process imports MiniStack.
    guard = "import sys\nif 'emulator' in sys.orig_argv:\n    "
    tmp_path.joinpath("sitecustomize.py").write_text(guard + change, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "local"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1 and "Traceback" not in run.stderr
    assert run.stderr.startswith("error: ") and run.stderr.count("\n") == 1
    assert line in run.stderr and "git restore requirements-dev.txt" in run.stderr


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
