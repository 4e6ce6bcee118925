"""Starts isolated Lambda workers without repeated work, and ends those of old versions.

- The API's function starts a worker before its first request. A function that has served requests
  starts one when its alias moves to a new version, before the next request.
- The first worker of a new version ends the idle workers of older versions, and deletes code that
  no worker uses. MiniStack keeps them forever, and a local run publishes a version at each save.
- The log of an invocation ends with the worker's response. MiniStack polls each millisecond, until
  no output has come for 5 ms. It starts a thread for each response, and one for the log.
- A worker runs on the interpreter that `EPOCH_WORKER_PYTHON` names, and finds only the standard
  library and the bundle, as in Lambda. MiniStack's workers see all packages of its own environment.
- `worker_isolation` runs before the function's code.
- Code and responses over Lambda's limits are errors.
"""

import inspect
import json
import math
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from functools import partial
from typing import Any

from ministack.core import lambda_runtime, responses
from ministack.services import lambda_svc

from emulator import event_loop, lambda_code, worker_isolation
from emulator.patching import Mismatch, Original, Patch, replace, replace_in, wrap

# Lambda counts 100 bytes more than the documented 6 MB.
_MAX_RESPONSE_BYTES = 6 * 1024 * 1024 + 100
_MAX_REQUEST_BYTES = 70_167_211  # 50 MB of code in base64
# The buffer of a pipe: macOS's at first, and Linux's with the largest pages.
_MIN_PIPE_BYTES, _MAX_PIPE_BYTES = 16_384, 1_048_576
_READ_BYTES = 65_536


class _Output:
    """The pipes from a worker: its responses, and its log.

    The log's pipe is emptied while a response is awaited, so that a full pipe does not block the
    function. When the response arrives, all output of the invocation is in the pipe or read.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout and process.stderr
        self._pipes = process.stdout, process.stderr  # open as long as this object
        self._responses, self._log = (pipe.fileno() for pipe in self._pipes)
        self._open = {self._responses, self._log}
        self.timeout_s: float | None = None
        self._received, self._written = bytearray(), bytearray()
        for file in self._open:
            os.set_blocking(file, False)

    def readline(self) -> str:
        """Return the next response, or "" at the end; raise TimeoutError after the timeout."""
        deadline = time.monotonic() + (self.timeout_s or math.inf)
        searched = 0
        while (end := self._received.find(b"\n", searched)) < 0:
            searched = len(self._received)
            left_s = None if deadline == math.inf else max(0, deadline - time.monotonic())
            ready = event_loop.readable(self._open, left_s)
            if not ready:
                raise TimeoutError(f"Task timed out after {self.timeout_s}.00 seconds")
            if self._log in ready:
                self._read(self._log, self._written)
            if self._responses in ready:
                self._read(self._responses, self._received)
                if self._responses not in self._open:
                    return ""
        line, self._received = self._received[:end], self._received[end + 1 :]
        return f"{line.decode('utf-8', 'replace')}\n"

    def _read(self, file: int, received: bytearray) -> bool:
        """Read from a pipe; return True if it may hold more."""
        try:
            data = os.read(file, _READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._open.discard(file)  # at its end it is always ready
        received += data
        return len(data) == _READ_BYTES

    def take_log(self) -> str:
        """Return the log since the last call."""
        # No further than the buffer, since a thread of the function may write on.
        reads = _MAX_PIPE_BYTES // _READ_BYTES
        while reads and self._read(self._log, self._written):
            reads -= 1
        written, self._written = self._written, bytearray()
        return written.decode("utf-8", "replace").removesuffix("\n")


class _Input:
    """The pipe to a worker. A thread writes long events, because they do not fit into the pipe."""

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipe, name)

    def write(self, text: str) -> None:
        """Write an event of ASCII characters."""
        if len(text) <= _MIN_PIPE_BYTES:
            self._pipe.write(text)
        else:
            event_loop.on_thread(self._pipe.write, text)


class _Worker(lambda_runtime.Worker):  # type: ignore[misc]
    """A worker whose short invocations need no threads, and do not wait for its log."""

    _output: _Output

    def _spawn(self) -> None:
        try:
            super()._spawn()
        except BaseException:
            # The next invocation spawns again, and reports the error.
            lambda_runtime._signal(self._proc)
            self._proc: Any = None
            raise
        self._output = self._proc.stdout
        self._output.timeout_s = self.config["Timeout"]
        _end_old_versions(self.func_name, self.config)

    def invoke(self, *args: Any, **options: Any) -> Any:
        """Invoke the function; on a thread if the worker starts, or if another thread starts it."""
        invoke = partial(super().invoke, *args, **options)
        if self._lock.locked() or self._proc is None or self._proc.poll() is not None:
            return event_loop.on_thread(invoke)
        return invoke()

    def _read_stderr(self) -> None:
        """Leave the log to `_Output`."""

    def _drain_stderr(self) -> str:
        return self._output.take_log()

    _drain_stderr_bounded = _drain_stderr


class _NoThread(threading.Thread):
    """Runs its target in the caller."""

    def start(self) -> None:
        """Run the target."""
        self.run()

    def join(self, timeout: float | None = None) -> None:
        """Return at once: the target has ended."""


def _move_alias(original: Original, function_name: str, alias: str, data: dict[str, Any]) -> Any:
    """Move an alias, and start a worker of its new version if the function has workers."""
    reply = original(function_name, alias, data)
    record, config = lambda_svc._get_func_record_for_qualifier(function_name, alias)
    if record and any(
        key.split(":")[:-1] == _key(function_name, config).split(":")[:-1]
        for key in tuple(lambda_runtime._workers)
    ):
        start(function_name, config, record["code_zip"])
    return reply


def _add_permission(
    original: Original, function: str, data: dict[str, Any], query: Any, path: Any
) -> Any:
    """Add a permission; start a worker if API Gateway may call the function now."""
    reply = original(function, data, query, path)
    qualifier = lambda_svc._qualifier_from_path_or_query(path, query)
    record, config = lambda_svc._get_func_record_for_qualifier(function, qualifier)
    if record and data.get("Principal") == "apigateway.amazonaws.com":
        start(function, config, record["code_zip"])
    return reply


def start(function_name: str, config: dict[str, Any], code: bytes) -> None:
    """Start the first worker of a version; a request waits for it."""
    key = _key(function_name, config)
    with lambda_runtime._lock:
        if code and not lambda_runtime._workers.get(key):
            worker = lambda_runtime.Worker(function_name, config, code)
            lambda_runtime._workers[key] = [worker]
            threading.Thread(target=_spawn, args=(worker,), daemon=True).start()


def _spawn(worker: Any) -> None:
    with suppress(Exception):  # the next request spawns it again and reports the error
        lambda_runtime.ensure_spawned(worker)


def _key(function_name: str, config: dict[str, Any]) -> str:
    key: str = lambda_runtime._worker_key(function_name, config, config["Version"])
    return key


def _end_old_versions(function_name: str, config: dict[str, Any]) -> None:
    key = lambda_runtime._worker_key(function_name, config, config.get("Version", ""))
    *function, version = key.split(":")
    idle = []
    with lambda_runtime._lock:
        for key, workers in lambda_runtime._workers.items():
            *other, number = key.split(":")
            if other == function and number.isdigit() and version.isdigit():
                if int(number) < int(version):
                    idle += [worker for worker in workers if not worker.in_use]
                    workers[:] = [worker for worker in workers if worker.in_use]
    lambda_runtime.kill_workers(idle)
    lambda_code.SharedZip.delete_unused()


# Removed from the environment, because functions would inherit it.
_PYTHON = os.environ.pop("EPOCH_WORKER_PYTHON", sys.executable)


def _popen(command: list[str], **options: Any) -> subprocess.Popen[str]:
    """Start a process; a Python without site-packages, PYTHON* variables and user folders."""
    if command[0] == sys.executable:
        command = [_PYTHON, "-I", "-S", "-X", "utf8", *command[1:]]
        variables = dict(options.get("env") or {})
        if variables.get("PYTHONPATH") == os.environ.get("PYTHONPATH"):  # not the function's own
            variables.pop("PYTHONPATH", None)
        options["env"] = variables
    process = subprocess.Popen(command, **options)
    if options.get("stderr") == subprocess.PIPE:
        process.stdout = _Output(process)  # type: ignore[assignment]
        process.stdin = _Input(process.stdin)  # type: ignore[assignment]
    return process


def _isolated(script: str) -> str:
    """Return MiniStack's worker script, beginning with the isolation of the function.

    MiniStack counts nested invocations by botocore's requests. It imports botocore for that, which
    the function imports itself, and faster: so it does that after the function's import.
    """
    count, imported = (
        "    _ms_install_invoke_depth()\n",
        "handler_fn = getattr(mod, handler_name)\n",
    )
    for part, replacement in (
        ("sys.stdin.readline", "_requests.readline"),
        ("_real_stdout = sys.stdout", "_real_stdout = _responses"),
        (count, ""),
        (imported, f"{imported}    {count}"),
    ):
        if part not in script:
            name = "ministack.core.lambda_runtime._PYTHON_WORKER_SCRIPT"
            raise Mismatch(name, f"{name} has no {part}")
        script = script.replace(part, replacement)
    # Lambda has `exit` and `quit`, which `-S` leaves out.
    start = "import site\nsite.setquit()\n"
    # Nor does `-I` read the function's own PYTHONPATH, which Lambda does.
    start += (
        "if os.environ.get('PYTHONPATH'):\n"
        "    sys.path += os.environ['PYTHONPATH'].split(os.pathsep)\n"
        "    site.execsitecustomize()\n"
    )
    start += "_requests, _responses = take_streams()\nmake_read_only()\n"
    return f"{inspect.getsource(worker_isolation)}\n{start}\n{script}"


def _execute(original: Original, *args: Any) -> dict[str, Any]:
    result: dict[str, Any] = original(*args)
    body = json.dumps(result.get("body"), ensure_ascii=False)
    # UTF-8 takes at most four bytes for a character.
    if 4 * len(body) > _MAX_RESPONSE_BYTES:
        if len(body.encode("utf-8", "surrogatepass")) > _MAX_RESPONSE_BYTES:
            text = (
                "Response payload size exceeded maximum allowed payload size "
                f"({_MAX_RESPONSE_BYTES} bytes)."
            )
            error = {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": text}
            return {**result, "body": error, "error": True}
    return result


def _save_code(operation: str, original: Original, *args: Any) -> Any:
    *_, request = args
    if len(request.get("Code", request).get("ZipFile", "")) >= _MAX_REQUEST_BYTES:
        text = (
            f"Request must be smaller than {_MAX_REQUEST_BYTES} bytes for the {operation} operation"
        )
        return responses.error_response_json("RequestEntityTooLargeException", text, 413)
    return original(*args)


PATCHES = (
    replace_in(lambda_runtime, "subprocess", Popen=_popen),
    replace_in(lambda_runtime, "threading", Thread=_NoThread),
    replace(lambda_runtime, "Worker", _Worker),
    wrap(lambda_runtime, "_collect", event_loop.on_thread),
    wrap(lambda_svc, "_update_alias", _move_alias),
    wrap(lambda_svc, "_add_permission", _add_permission),
    Patch(lambda_runtime, "_PYTHON_WORKER_SCRIPT", _isolated),
    wrap(lambda_svc, "_execute_function_warm", _execute),
    wrap(lambda_svc, "_create_function", partial(_save_code, "CreateFunction")),
    wrap(lambda_svc, "_update_code", partial(_save_code, "UpdateFunctionCode")),
)
