"""`make local` as a process: its files, its children and its errors."""

import ctypes
import json
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest

_JOB = """from function.declare.job import Job
from function.declare.trigger import ScheduleTrigger
JOB = Job(trigger=ScheduleTrigger("rate(1 day)"), summary="Nothing.", handle=print)
"""

# The limit of any step on a busy machine; a step that works ends earlier.
PATIENCE_S = 120


@pytest.fixture(name="project")
def _project(specimen: Path) -> Path:
    return specimen


def _die_with_parent() -> None:
    """Let Linux kill the process when the test's is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _start(project: Path, *options: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "console", *options],
        cwd=project,
        env={**os.environ, "TMPDIR": str(project.parent), **environment},
        preexec_fn=_die_with_parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _said(process: subprocess.Popen[str], start: str) -> str:
    """Return the next line of the terminal that starts so."""
    assert process.stdout
    late = threading.Timer(PATIENCE_S, process.kill)
    late.start()
    try:
        return next(line for line in process.stdout if line.startswith(start))
    finally:
        late.cancel()


def _outputs(project: Path, process: subprocess.Popen[str]) -> Any:
    path = project / ".local" / "outputs.json"
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        if path.exists() and (text := path.read_text()).endswith("}"):
            return json.loads(text)
        time.sleep(0.05)
    raise AssertionError(f"no outputs: {process.communicate()}")


def _post(outputs: Any) -> int:
    request = urllib.request.Request(
        outputs["sample_url"], method="POST", headers={"x-api-key": outputs["default_api_key"]}
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
        return int(answer.status)


def _recorded(outputs: Any) -> bool:
    """Test that a call is recorded; former calls may have used up the rate or a busy machine."""
    try:
        return _post(outputs) == 201
    except urllib.error.HTTPError as refused:
        with refused:
            assert refused.code in {429, 500, 503, 504}
    except OSError:  # a connection that the emulator has no room for yet
        pass
    return False


def _port(outputs: Any) -> int:
    return int(outputs["sample_url"].split(":")[2].split("/")[0])


def _processes(mark: str) -> list[int]:
    """Return the processes that have the mark in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:  # ended, or another user's
            continue
    return found


def _emulator(outputs: Any) -> int:
    (found,) = (
        number
        for number in _processes(f"GATEWAY_PORT={_port(outputs)}")
        if b"\0emulator\0" in Path(f"/proc/{number}/cmdline").read_bytes()
    )
    return found


def _left(project: Path) -> list[object]:
    """Return the processes and files that a run in this project has left."""
    outputs = (project / ".local").glob("*")
    return [*_processes(f"TMPDIR={project.parent}"), *project.parent.glob("epoch-*"), *outputs]


def _until(true: Callable[[], object]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _until_nothing_is_left(project: Path) -> None:
    """Wait for the end of a killed process, which the kernel may clear away a moment later."""
    with suppress(AssertionError):
        _until(lambda: not _left(project))
    assert not _left(project)


def _fails(project: Path, *options: str, **environment: str) -> str:
    out, err = _start(project, *options, **environment).communicate(timeout=PATIENCE_S)
    assert "Traceback" not in out + err
    _until_nothing_is_left(project)
    (line,) = err.strip().splitlines()
    assert line.startswith("error: ")
    return line


def test_it_answers_reloads_and_leaves_nothing_behind(project: Path) -> None:
    job = project / "function" / "jobs" / "tick.py"
    job.write_text(_JOB)
    main = project / "function" / "endpoints" / "post_thing.py"
    # The run continues after any output of the function.
    says = """    import json
    for line in ({}, {"stackTrace": 5}, [], "a", {"message": "request"}):
        print(line, json.dumps(line), sep="\\n")
"""
    main.write_text(main.read_text().replace("    thing =", f"{says}    thing =", 1))
    process = _start(project)
    outputs = _outputs(project, process)
    named = ("sample_url", "default_api_key", "table_name", "function_name", "function_log_group")
    assert set(outputs) >= {*named, "dashboard_url"}
    assert (project / ".local" / "outputs.json").stat().st_mode & 0o777 == 0o600
    assert _post(outputs) == 201
    _said(process, '{"message": "request"}')
    _said(process, "POST /things  201 success")
    main.write_text(main.read_text().replace("Response(status=201", "Response(status=202"))
    job.unlink()
    _said(process, "reloaded in ")
    assert _post(outputs) == 202
    _said(process, "POST /things  202 success")
    # The emulator and one worker, none of the version before, and of that no code.
    _until(lambda: len(_processes(f"GATEWAY_PORT={_port(outputs)}")) == 2)
    _until(lambda: len(list(project.parent.glob("epoch-*/code-*"))) == 1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0 and "Traceback" not in err
    _until_nothing_is_left(project)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", _port(outputs))) != 0


def _session(project: Path, monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    """Return a session with the profile that a run leaves for other tools."""
    profile = project / ".local" / "aws-config"
    assert profile.stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("AWS_CONFIG_FILE", str(profile))
    return boto3.Session(profile_name="local")


def test_tables_are_kept_where_asked_for_even_after_a_kill(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for before, ending in enumerate((signal.SIGKILL, signal.SIGINT, signal.SIGINT)):
        process = _start(project, "--persist")
        outputs = _outputs(project, process)
        client = _session(project, monkeypatch).client("dynamodb")
        items = client.scan(TableName=outputs["table_name"])["Items"]
        assert len(items) == before
        if items:  # a deleted item is forgotten
            key = {"id": items[0]["id"]}
            client.delete_item(TableName=outputs["table_name"], Key=key)
            assert _post(outputs) == 201
        assert _post(outputs) == 201
        process.send_signal(ending)
        out, _ = process.communicate(timeout=PATIENCE_S)
        # With the outputs of this run.
        _until(lambda: not _processes(f"TMPDIR={project.parent}"))
        _until(lambda: not [*project.parent.glob("epoch-*")])
    assert f"tables    saved in {project}/.local/tables-trial.jsonl; delete it" in out


def test_the_users_aws_proxies_and_other_emulators_do_not_reach_it(project: Path) -> None:
    nowhere = "http://127.0.0.1:9"
    (project / "config").write_text("[default]\nuse_fips_endpoint = true\nregion = nowhere\n")
    process = _start(
        project,
        **{name: nowhere for name in ("http_proxy", "HTTP_PROXY", "AWS_ENDPOINT_URL")},
        **{"AWS_PROFILE": "nobody", "AWS_MAX_ATTEMPTS": "none", "no_proxy": "", "NO_PROXY": ""},
        **{"SERVICES": "s3", "LAMBDA_STRICT": "1", "USE_SSL": "1"},
        AWS_CONFIG_FILE=str(project / "config"),
    )
    assert _post(_outputs(project, process)) == 201
    assert list(project.parent.glob("epoch-*/*.pem"))  # no key is written elsewhere, to stay
    process.terminate()
    process.communicate(timeout=PATIENCE_S)


def test_a_killed_emulator_is_one_clear_message(project: Path) -> None:
    process = _start(project)
    os.kill(_emulator(_outputs(project, process)), signal.SIGKILL)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert err.strip() == "error: MiniStack ended while the stack was up"
    _until_nothing_is_left(project)


def test_clients_that_leave_or_say_nothing_take_no_room_from_others(project: Path) -> None:
    plan = project / "Pulumi.trial.yaml"  # more calls than these would only take time
    text = plan.read_text().replace("burst_limit: 100", "burst_limit: 32")
    plan.write_text(text.replace("rate_limit: 50", "rate_limit: 2"))
    process = _start(project)
    outputs = _outputs(project, process)
    address, most = ("127.0.0.1", _port(outputs)), 512
    resource.prlimit(_emulator(outputs), resource.RLIMIT_NOFILE, (most, most))
    key, path = outputs["default_api_key"], outputs["sample_url"].partition(str(address[1]))[2]
    host = f"127.0.0.1:{address[1]}"
    asked = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nx-api-key: {key}\r\nContent-Length: 0\r\n\r\n"
    with ExitStack() as silent:
        for _ in range(most):
            silent.enter_context(socket.create_connection(address))
        for _ in range(most):
            with socket.create_connection(address) as client:
                client.sendall(asked.encode())
        _until(lambda: _recorded(outputs))
    process.terminate()
    out, err = process.communicate(timeout=PATIENCE_S)
    assert "Too many open files" not in out and err == "\nStopped.\n"


def test_an_occupied_port_is_one_clear_message(project: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"cannot listen on port {port}: " in _fails(project, "--port", str(port))


# Is killed while its child writes into its folder, as an emulator does with workers.
_KILLED = """
import os, signal, socket, sys
from pathlib import Path
from local.child_process import SupervisedProcess

process = SupervisedProcess()
own = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join(sys.path),
    "FOLDER": str(process.folder),
}
process.start("busy", own, socket.socket())
while not (process.folder / "0").exists():
    assert process.running
os.kill(os.getpid(), signal.SIGKILL)
"""

_BUSY = """
import itertools, os, pathlib

for number in itertools.count():
    try:
        pathlib.Path(os.environ["FOLDER"], str(number)).mkdir()
    except OSError:
        pass
"""


def test_what_a_killed_run_has_started_leaves_nothing_while_it_writes(project: Path) -> None:
    (project / "busy.py").write_text(_BUSY)
    environment = {**os.environ, "TMPDIR": str(project.parent)}
    subprocess.run([sys.executable, "-c", _KILLED], cwd=project, env=environment, check=False)
    _until_nothing_is_left(project)


def test_a_killed_run_does_not_take_the_outputs_of_another(project: Path) -> None:
    first, second = _start(project), None
    try:
        before = _outputs(project, first)
        second = _start(project)
        _until(lambda: json.loads((project / ".local" / "outputs.json").read_text()) != before)
        first.kill()
        first.wait()
        _until(lambda: not _processes(f"GATEWAY_PORT={_port(before)}"))
        assert _post(_outputs(project, second)) == 201
    finally:
        for process in filter(None, (first, second)):
            process.terminate()
            process.communicate(timeout=PATIENCE_S)


def _hears(process: subprocess.Popen[str]) -> bool:
    """Test that the interpreter has started and handles SIGTERM."""
    status = Path(f"/proc/{process.pid}/status").read_text("ascii")
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def test_an_interrupt_at_any_moment_ends_the_run(project: Path) -> None:
    """Interrupt several runs at a time, which spreads the moments further."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    runs = {number: _start(project) for number in signals}
    for number, process in runs.items():
        _until(partial(_hears, process))
        time.sleep(random.uniform(0, 1.2))
        process.send_signal(number)
    for process in runs.values():
        out, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0 and err == "\nStopped.\n", out + err
    _until_nothing_is_left(project)


@pytest.mark.parametrize(
    ("file", "added", "says"),
    (
        (
            "local/provisioner.py",
            'def provision(*_):\n    raise ValueError("lost")',
            "ValueError('lost')",
        ),
        ("__main__.py", "raise SystemExit(3)", "the program exited by itself: 3"),
    ),
)
def test_an_error_anywhere_is_one_line(project: Path, file: str, added: str, says: str) -> None:
    with (project / file).open("a") as source:
        source.write(f"\n\n{added}\n")
    assert says in _fails(project)


def test_what_breaks_the_function_while_it_runs_is_said(project: Path) -> None:
    process = _start(project)
    outputs = _outputs(project, process)
    main = project / "function" / "runtime" / "api_handler.py"
    whole = main.read_text()
    main.write_text("import nothing_of_this_name\n" + whole)
    assert "error: function/runtime/api_handler.py, line 1: ModuleNotFoundError" in _said(
        process, "error: "
    )
    assert _post(outputs) == 201
    only_there = 'import os\nassert "AWS_LAMBDA_FUNCTION_NAME" not in os.environ, "only there"\n'
    main.write_text(only_there + whole)

    def fails() -> bool:
        try:
            return _post(outputs) == 500
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code == 500

    _until(fails)
    assert "only there" in _said(process, "the function failed: ")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE_S)
