"""Load by locust, from many connections, with a ledger."""

import json
import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from local import stack_files
from local.stack import LocalStack
from tools.reliability import ledger

_LOCUST = stack_files.ROOT / ".venv-prove" / "bin" / "python"


# Of a stack that nothing but the load itself bounds.
CONFIG = {
    f"{stack_files.project_name()}:usage_plans": json.dumps(
        {"standard": {"rate_limit": 10_000, "burst_limit": 5_000, "quota_per_day": 10_000_000}}
    )
}


def run(stack: LocalStack, requests: int, folder: Path) -> ledger.Finding:
    """Send so many requests, steady and in bursts, and compare."""
    before, written = ledger.items(stack), folder / "ledger.jsonl"
    subprocess.run(
        [str(_LOCUST), "-m", "locust", "-f", "tools/reliability/locustfile.py", "--headless"]
        + ["--skip-log-setup", "--host", stack.outputs["endpoint"], "--stop-timeout", "60"],
        cwd=stack_files.ROOT,
        env={
            **os.environ,
            "PROVE_KEY": stack.outputs["api_key"],
            "PROVE_LEDGER": str(written),
            "PROVE_REQUESTS": str(requests),
        },
        stdout=subprocess.DEVNULL,
        check=True,
    )
    calls = [ledger.Call(**json.loads(line)) for line in written.read_text("utf-8").splitlines()]
    return ledger.compare(calls, before, ledger.items(stack))


def memory_kb(started: Iterable[int]) -> int:
    """Return what processes hold in memory, in 1,024 bytes; Linux only, which has /proc."""
    total = 0
    for process in started:
        with suppress(OSError):  # ended
            status = Path(f"/proc/{process}/status").read_text("ascii").splitlines()
            total += sum(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
    return total


def processes(stack: LocalStack, *, emulator: bool) -> Iterator[int]:
    """Return the emulator's process, or those of its workers; Linux only, likewise."""
    mark = f"GATEWAY_PORT={stack.emulator.port}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # ended, or another user's
            of_emulator = b"\0emulator\0" in (process / "cmdline").read_bytes()
            if mark in (process / "environ").read_bytes() and of_emulator == emulator:
                yield int(process.name)
