"""`python -m tools.bench.reload`: measures `make local` from a saved file to the new response.

It prints the median seconds after a change of a handler, and after a change of a declaration.
"""

import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from local.local_stack import HTTP
from tools.project_copy import copy_of_project

_ROUNDS = 7
_PAUSE_S = 1.0  # the loop is idle again, and reads the logs at another moment of each round
_ENDPOINT = '''"""GET /reload: the endpoint that the benchmark changes."""

from function.declare.endpoint import Endpoint, Request, Response


def read(request: Request) -> Response:
    """Return the number."""
    return Response(status=200, body={"number": 0})


ENDPOINT = Endpoint(
    method="GET",
    path="/reload",
    summary="Read a number.",
    handle=read,
    responses={200: {"title": "Number", "type": "object"}},
)
'''


def _seconds(module: Path, source: str, outputs: dict[str, Any], path: str, body: bytes) -> float:
    """Save a module; return the seconds until a path has the response body."""
    headers = {"x-api-key": outputs["default_api_key"]}
    started = time.perf_counter()
    module.write_text(source, encoding="utf-8")
    while HTTP.request("GET", outputs["api_url"] + path, headers=headers).data != body:
        time.sleep(0.02)
    took = time.perf_counter() - started
    time.sleep(_PAUSE_S + took % 0.1)
    return took


def main() -> None:
    """Start the local run of a copy, change it, and print the results as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        project = copy_of_project(Path(folder, "project"))
        module = project / "function" / "endpoints" / "get_reload.py"
        module.write_text(_ENDPOINT, encoding="utf-8")
        outputs = project / ".local" / "outputs.json"
        with subprocess.Popen(
            [sys.executable, "-m", "console", "--stack", "dev"],
            cwd=project,
            stdout=subprocess.DEVNULL,
        ) as process:
            while not outputs.exists() and process.poll() is None:
                time.sleep(0.05)
            told = json.loads(outputs.read_text(encoding="utf-8"))
            code, declaration = [], []
            for n in range(_ROUNDS + 1):
                body = f'{{"number": {n}}}'.encode()
                source = _ENDPOINT.replace('"number": 0', f'"number": {n}')
                code.append(_seconds(module, source, told, "/reload", body))
            for n in range(_ROUNDS):
                source = _ENDPOINT.replace("/reload", f"/reload{n}")
                declaration.append(_seconds(module, source, told, f"/reload{n}", b'{"number": 0}'))
            process.send_signal(signal.SIGINT)
    found = {"save_code_s": code[1:], "save_declaration_s": declaration}  # the first is no change
    print(json.dumps({name: round(statistics.median(one), 2) for name, one in found.items()}))


if __name__ == "__main__":
    main()
