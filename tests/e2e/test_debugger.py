"""`make local DEBUG=1`: a debugger attaches to the function and stops at a breakpoint."""

import json
import random
import signal
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from local.stack_files import ROOT
from tests.conftest import output, run_python
from tests.e2e.test_local_run import PATIENCE_S, _outputs, _post, _said, _start


class _Debugger:
    """The part of the Debug Adapter Protocol that an editor uses to stop at a breakpoint."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self._stream = self._socket.makefile("rb")
        self._sent = 0

    def send(self, command: str, **arguments: Any) -> None:
        """Send a request."""
        self._sent += 1
        message = {"seq": self._sent, "type": "request", "command": command}
        body = json.dumps(message | {"arguments": arguments}).encode()
        self._socket.sendall(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def receive(self, name: str) -> Any:
        """Return the body of the next response or event of that name."""
        while header := self._stream.readline():
            length = int(header.partition(b":")[2])
            self._stream.readline()
            message = json.loads(self._stream.read(length))
            assert message.get("success", True), message
            if name in (message.get("command"), message.get("event")):
                return message.get("body")
        raise AssertionError(f"the debugger ended before {name}")

    def close(self) -> None:
        """End the session."""
        self._stream.close()
        self._socket.close()


def _free_port() -> int:
    """Return a free port that Linux gives to no other socket in the meantime."""
    for port in random.sample(range(20_000, 30_000), 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def test_a_breakpoint_stops_the_function_in_the_projects_own_file(specimen: Path) -> None:
    module = specimen / "function" / "endpoints" / "post_thing.py"
    lines = module.read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if text.startswith("    thing ="))
    port = _free_port()
    process = _start(specimen, "--debug", str(port))
    outputs = _outputs(specimen, process)
    _said(process, f"debugger of {outputs['function_name']}: 127.0.0.1:{port}")
    answers: list[int] = []
    caller = threading.Thread(target=lambda: answers.append(_post(outputs)))
    debugger = _attach(port)
    try:
        debugger.send("attach", justMyCode=False)
        debugger.receive("initialized")
        breakpoints = [{"line": line}]
        debugger.send("setBreakpoints", source={"path": str(module)}, breakpoints=breakpoints)
        debugger.receive("setBreakpoints")
        debugger.send("configurationDone")
        caller.start()
        thread = debugger.receive("stopped")["threadId"]
        debugger.send("stackTrace", threadId=thread)
        frame = debugger.receive("stackTrace")["stackFrames"][0]
        assert (frame["source"]["path"], frame["line"]) == (str(module), line)
        assert not answers
        debugger.send("continue", threadId=thread)
        caller.join(PATIENCE_S)
    finally:
        debugger.close()
    assert answers == [201]
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE_S)


def _attach(port: int) -> _Debugger:
    """Connect to the debugger, which starts with the worker."""
    for _ in range(PATIENCE_S * 10):
        try:
            debugger = _Debugger(port)
            break
        except ConnectionRefusedError:
            threading.Event().wait(0.1)
    else:
        raise AssertionError("no debugger listens")
    debugger.send("initialize", adapterID="test", pathFormat="path")
    debugger.receive("initialize")
    return debugger


@pytest.mark.parametrize(("given", "port"), (("1", "5678"), ("5671", "5671")))
def test_make_passes_the_port_by_default_the_editors(given: str, port: str) -> None:
    plan = output(ROOT, "make", "--dry-run", "--always-make", "local", f"DEBUG={given}")
    (line,) = [line for line in plan.splitlines() if "--debug" in line]
    assert line.split()[-2:] == ["--debug", port]
    launch = json.loads((ROOT / ".vscode" / "launch.json").read_text(encoding="utf-8"))
    (editor,) = launch["configurations"]
    assert editor["connect"] == {"host": "127.0.0.1", "port": 5678}


def test_nothing_listens_unless_it_is_requested() -> None:
    show = (
        "import emulator.__main__, sys; "
        "print('debugpy' in sys.modules, 'emulator.debugger' in sys.modules)"
    )
    assert run_python(ROOT, "-c", show).split() == ["False", "False"]
