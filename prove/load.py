"""Load by locust, from many connections, with a ledger."""

import json
import os
import subprocess
from pathlib import Path

from local import program
from local.deploy import LocalStack
from prove import ledger

_LOCUST = program.ROOT / ".venv-prove" / "bin" / "python"


def run(stack: LocalStack, requests: int, folder: Path) -> ledger.Finding:
    """Send so many requests, steady and in bursts, and compare."""
    before, written = ledger.items(stack), folder / "ledger.jsonl"
    subprocess.run(
        [str(_LOCUST), "-m", "locust", "-f", "prove/locustfile.py", "--headless", "--only-summary"]
        + ["--loglevel", "ERROR", "--host", stack.outputs["endpoint"], "--stop-timeout", "60"],
        cwd=program.ROOT,
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
