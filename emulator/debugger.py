"""Lets a debugger attach to Lambda's workers, for `make local DEBUG=1`.

The function behind API Gateway starts at once and listens on the port of EPOCH_DEBUG_PORT. Each
other function listens on the next free port from its first invocation on. A worker has no timeout,
because a breakpoint stops it.
"""

import os
import socket
import tempfile
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime

from emulator import failure_log, lambda_workers
from emulator.patching import Patch, replace

_NO_TIMEOUT_S = 24 * 3600

# Runs in the worker before MiniStack's script; the debugger shows the project's own files.
_LISTEN = """
import json, os, sys
if port := os.environ.get("EPOCH_DEBUG_PORT"):
    code = os.path.join(os.path.dirname(os.path.abspath(__file__)), "code")
    places = [[{root!r}, os.path.realpath(code)], [{root!r}, code]]
    os.environ["PATHS_FROM_ECLIPSE_TO_PYTHON"] = json.dumps(places)
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    sys.path.append({folder!r})
    import debugpy
    sys.path.remove({folder!r})
    debugpy.listen(("127.0.0.1", int(port)), in_process_debug_adapter=True)
"""


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return True
    return False


class _Ports:
    """A port for each function; the first function gets the first port."""

    def __init__(self, first: int) -> None:
        self._next = first
        self._known: dict[str, int] = {}

    def take(self, function: str) -> int | None:
        """Return the port of a function; None while another worker of the function has it."""
        if function not in self._known:
            while self._known and not _is_free(self._next):
                self._next += 1
            self._known[function] = self._next
            self._next += 1
        port = self._known[function]
        for _ in range(20):  # a worker of the former version may still be ending
            if _is_free(port):
                return port
            time.sleep(0.05)
        return None


class _Worker(lambda_workers._Worker):
    """A worker that listens for a debugger."""

    config: dict[str, Any]
    ports: _Ports

    def __init__(self, name: str, config: dict[str, Any], code: bytes) -> None:
        super().__init__(name, {**config, "Timeout": _NO_TIMEOUT_S}, code)

    def _spawn(self) -> None:
        lambda_workers._end_old_versions(self.func_name, self.config)
        port = self.ports.take(self.func_name)
        if port:
            variables = self.config.get("Environment", {}).get("Variables", {})
            own = {**variables, "EPOCH_DEBUG_PORT": str(port)}
            self.config = {**self.config, "Environment": {"Variables": own}}
        text = f"127.0.0.1:{port}" if port else "another worker of the function has it"
        failure_log.write(f"debugger of {self.func_name}: {text}")
        super()._spawn()


def patches(port: int) -> tuple[Patch, ...]:
    """Return the patches that let a debugger attach, for the first function at `port`."""
    _Worker.ports = _Ports(port)
    # The bundle's Python may not see the packages of this one.
    folder = Path(tempfile.gettempdir(), "debugger")
    folder.mkdir()
    spec = find_spec("debugpy")
    assert spec and spec.submodule_search_locations
    (folder / "debugpy").symlink_to(spec.submodule_search_locations[0])
    listen = _LISTEN.format(root=os.getcwd(), folder=str(folder))
    return (
        replace(lambda_runtime, "Worker", _Worker),
        Patch(lambda_runtime, "_PYTHON_WORKER_SCRIPT", lambda script: listen + script),
    )
