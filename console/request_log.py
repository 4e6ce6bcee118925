"""The newest reports of the emulator, joined by request."""

import base64
import json
import secrets
import threading
import time
from collections import OrderedDict, deque
from contextlib import suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Listener
from typing import Any

from local import xray_daemon
from local.local_stack import json_line

MAX_ENTRIES = 1_000  # requests, and as many notices
_MAX_PARTS = 50  # AWS calls and refusals of one request
_SHOWN_LINES = 20

Report = dict[str, Any]


class _Newest(OrderedDict[str, Any]):
    """A mapping that drops its oldest entries."""

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        if len(self) > MAX_ENTRIES:
            self.popitem(last=False)


def _trace_id(header: str) -> str:
    """Return the trace of an X-Amzn-Trace-Id header."""
    return dict(part.partition("=")[::2] for part in header.split(";")).get("Root", "")


class RequestLog:
    """The newest requests and notices, with numbered changes: a reader gets each one once."""

    def __init__(self) -> None:
        key = secrets.token_bytes(16)
        self._listener = Listener(("127.0.0.1", 0), authkey=key)
        self.address = f"{self._listener.address[1]} {base64.b64encode(key).decode()}"
        self._changed = threading.Condition()
        self._number = 0
        self._calls, self._lines, self._parts = _Newest(), _Newest(), _Newest()
        self._output: deque[Report] = deque(maxlen=MAX_ENTRIES)
        self._notices: deque[Report] = deque(maxlen=MAX_ENTRIES)
        self.printed: deque[Report] = deque()  # JSON lines of functions, for the terminal
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        connection = None
        while not connection:
            with suppress(OSError, EOFError, AuthenticationError):  # any local process can connect
                connection = self._listener.accept()
        self._listener.close()  # only the emulator connects
        with connection, suppress(OSError, EOFError):
            while True:
                self.add(json.loads(connection.recv_bytes()))

    def add(self, report: Report) -> None:
        """Add a report of `emulator.event_reporter`."""
        with self._changed:
            match report["kind"]:
                case "call":
                    self._calls[report["id"]] = report
                    self._change(report)
                case "log":
                    self._add_lines(report)
                case _:
                    parts = self._parts.setdefault(_trace_id(report["trace"]), [])
                    if len(parts) < _MAX_PARTS:
                        parts.append(report)

    def _add_lines(self, report: Report) -> None:
        for text in report["lines"]:
            line = json_line(text)
            self.printed += [line] if line else []
            identity = line.get("apiRequestId")
            if identity and isinstance(identity, str):
                self._lines[identity] = line
                if call := self._calls.get(identity):
                    self._change(call)
            elif not text.startswith(("START ", "END ", "REPORT ")):
                entry = {"at": report["at"], "text": text, "line": line}
                self._output.append({**entry, "function": report.get("function", "")})

    def _change(self, entry: Report) -> None:
        self._number += 1
        entry["number"] = self._number
        self._changed.notify_all()

    def notice(self, kind: str, text: str) -> None:
        """Show a notice on the page; `kind` is "info" or "error"."""
        with self._changed:
            notice = {"kind": kind, "text": text, "at": time.time()}
            self._notices.append(notice)
            self._change(notice)

    def changes_since(self, since: int, seconds: float) -> Report:
        """Return the changes after a number, and the latest number; wait `seconds` for one."""
        with self._changed:
            self._changed.wait_for(lambda: self._number > since, seconds)
            return {
                "number": self._number,
                "requests": [
                    self._brief(call) for call in self._calls.values() if call["number"] > since
                ],
                "notices": [notice for notice in self._notices if notice["number"] > since],
            }

    def _brief(self, call: Report) -> Report:
        line = self._lines.get(call["id"], {})
        shown = ("id", "at", "method", "path", "status", "ms", "apiKey", "refused")
        return {
            **{name: call.get(name) for name in shown},
            "key": line.get("key"),
            "coldStart": bool(line.get("coldStart")),
            "replayed": bool(line.get("replayed")),
        }

    def output(self, function: str) -> list[str]:
        """Return a function's newest lines outside requests, oldest first."""
        with self._changed:
            lines = [each["text"] for each in self._output if each["function"] == function]
        return lines[-_SHOWN_LINES:]

    def request(self, identity: str, traces: xray_daemon.XRayDaemon) -> Report | None:
        """Return the call, log line, output, trace, AWS calls and refusals of a request."""
        with self._changed:
            if not (call := self._calls.get(identity)):
                return None
            line = self._lines.get(identity, {})
            trace = str(line.get("traceId", ""))
            parts = list(self._parts.get(trace, ())) if trace else []
            end = call["at"] + call["ms"] / 1000
            output = [
                entry["text"]
                for entry in self._output
                if entry["line"].get("traceId") == trace
                if trace or call["at"] <= entry["at"] <= end
            ]
        return {
            **self._brief(call),
            "call": call,
            "line": line,
            "output": output,
            "trace": traces.trace(trace) if trace else [],
            "aws": [part for part in parts if part["kind"] == "aws"],
            "refusals": [part for part in parts if part["kind"] == "refusal"],
        }
