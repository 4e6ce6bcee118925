"""Load by locust over many connections, with a consistency check."""

import json
import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from local import stack_files
from local.local_stack import LocalStack
from tools.reliability import consistency

_LOCUST = stack_files.ROOT / ".venv-reliability" / "bin" / "python"


# A config whose limits the load does not reach.
_PLAN = {"rate_limit": 10_000, "burst_limit": 5_000, "quota_per_day": 10_000_000}
CONFIG = {
    f"{stack_files.project_name()}:usage_plans": json.dumps({"load": _PLAN}),
    f"{stack_files.project_name()}:api_keys": json.dumps({"default": "load"}),
}


def run(stack: LocalStack, requests: int, folder: Path) -> consistency.Finding:
    """Send requests, steadily and in bursts, and compare the responses with the items."""
    before, written = consistency.items(stack), folder / "calls.jsonl"
    subprocess.run(
        [str(_LOCUST), "-m", "locust", "-f", "tools/reliability/locustfile.py", "--headless"]
        + ["--skip-log-setup", "--host", stack.outputs["sample_url"], "--stop-timeout", "60"],
        cwd=stack_files.ROOT,
        env={
            **os.environ,
            "LOAD_API_KEY": stack.outputs["default_api_key"],
            "LOAD_CALLS": str(written),
            "LOAD_REQUESTS": str(requests),
        },
        stdout=subprocess.DEVNULL,
        check=True,
    )
    calls = [
        consistency.Call(**json.loads(line)) for line in written.read_text("utf-8").splitlines()
    ]
    return consistency.compare(calls, before, consistency.items(stack))


def memory_kb(started: Iterable[int]) -> int:
    """Return the resident memory of processes in KiB; Linux only, by /proc."""
    total = 0
    for process in started:
        with suppress(OSError):  # ended
            status = Path(f"/proc/{process}/status").read_text("ascii").splitlines()
            total += sum(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
    return total


def processes(stack: LocalStack, *, emulator: bool) -> Iterator[int]:
    """Return the process id of the emulator, or those of its workers; Linux only."""
    mark = f"GATEWAY_PORT={stack.emulator.port}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # ended, or another user's
            of_emulator = b"\0emulator\0" in (process / "cmdline").read_bytes()
            if mark in (process / "environ").read_bytes() and of_emulator == emulator:
                yield int(process.name)
