"""`make local` as a process: what it leaves behind, and how it fails."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any


def _start(project: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # pylint: disable=consider-using-with
        [sys.executable, "-m", "local", "up", *options],
        cwd=project,
        env={**os.environ, "TMPDIR": str(project.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _outputs(project: Path, process: subprocess.Popen[str]) -> Any:
    path = project / ".local" / "outputs.json"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if path.exists() and (text := path.read_text()).endswith("}"):
            return json.loads(text)
        time.sleep(0.05)
    raise AssertionError(f"no outputs: {process.communicate()}")


def _post(outputs: Any) -> int:
    request = urllib.request.Request(
        outputs["endpoint"], method="POST", headers={"x-api-key": outputs["api_key"]}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return int(answer.status)


def _port(outputs: Any) -> int:
    return int(outputs["endpoint"].split(":")[2].split("/")[0])


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


def _left(project: Path) -> list[object]:
    """Return the processes and files that a run in this project has left."""
    return [*_processes(f"TMPDIR={project.parent}"), *project.parent.glob("epoch-*")]


def _fails(project: Path, *options: str) -> str:
    out, err = _start(project, *options).communicate(timeout=60)
    assert "Traceback" not in out + err and not _left(project)
    (line,) = err.strip().splitlines()
    assert line.startswith("error: ")
    return line


def test_it_answers_reloads_and_leaves_nothing_behind(project: Path) -> None:
    process = _start(project)
    outputs = _outputs(project, process)
    assert set(outputs) >= {
        *("endpoint", "api_key", "table_name", "function_name", "log_group", "dashboard_url")
    }
    assert (project / ".local" / "outputs.json").stat().st_mode & 0o777 == 0o600
    assert _post(outputs) == 201
    main = project / "function" / "endpoints" / "post_epoch.py"
    main.write_text(
        main.read_text().replace(
            "    return Answer(\n        status=201", "    return Answer(\n        status=202"
        )
    )
    deadline = time.monotonic() + 20
    while (status := _post(outputs)) != 202 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert status == 202
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0 and "Traceback" not in err
    assert "POST /epoch  201 success" in out and "reloaded in " in out
    assert not (project / ".local").exists() and not _left(project)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", _port(outputs))) != 0


def test_two_runs_side_by_side_do_not_meet_and_sigterm_ends_one(project: Path, local: Any) -> None:
    process = _start(project)
    outputs = _outputs(project, process)
    before = len(local.items())
    assert _post(outputs) == 201
    assert len(local.items()) == before
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 0 and "Traceback" not in err
    assert not (project / ".local").exists() and not _left(project)
    assert local.call().status == 201


def test_a_killed_emulator_is_one_clear_message(project: Path) -> None:
    process = _start(project)
    outputs = _outputs(project, process)
    (emulator,) = (
        number
        for number in _processes(f"GATEWAY_PORT={_port(outputs)}")
        if b"local.emulator" in Path(f"/proc/{number}/cmdline").read_bytes()
    )
    os.kill(emulator, signal.SIGKILL)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert err.strip() == "error: MiniStack ended while the stack was up"
    assert not _left(project) and not (project / ".local").exists()


def test_an_occupied_port_is_one_clear_message(project: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port} is in use" in _fails(project, "--port", str(port))


def test_a_missing_lock_is_one_clear_message(project: Path) -> None:
    (project / "function" / "requirements.txt").unlink()
    assert "function/requirements.txt is missing" in _fails(project)


def test_a_corrupt_stack_file_is_one_clear_message(project: Path) -> None:
    (project / "Pulumi.dev.yaml").write_text("config: [")
    assert "Pulumi.dev.yaml is not valid YAML" in _fails(project)
