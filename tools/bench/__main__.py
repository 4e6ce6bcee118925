"""`make bench`: runs the cases in turn and prints CPU time and memory of each.

`python -m tools.bench [ROUNDS] [CASE...]`: by default 13 rounds of all cases, and then the program,
the local run and the README's commands. A full run writes docs/bench.md and docs/bench.svg.
"""

import datetime
import json
import os
import random
import statistics
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

from components.packaging.interpreter import local_python
from local.stack_files import ROOT
from tools import cli, post_epoch
from tools.bench import build, chart, report, system

ROUNDS = 13
# Batches of warm calls, and calls in each.
WARM = (5, 100)
RESULTS = ROOT / ".bench" / "results.json"
FIGURES = ("cold_cpu_ms", "first_request_cpu_ms", "wait_ms", "warm_cpu_us", "peak_rss_mb")
SampleRequest = dict[str, Any]


def environment(folder: Path, url: str, sink: str) -> dict[str, str]:
    """Return the environment variables of a function in Lambda."""
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_SESSION_TOKEN": "token" * 100,
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_LAMBDA_FUNCTION_NAME": "epoch",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "LAMBDA_TASK_ROOT": str(folder),
        "AWS_XRAY_DAEMON_ADDRESS": sink,
        "_X_AMZN_TRACE_ID": "Root=1-67445f2a-0123456789abcdef01234567;"
        "Parent=53995c3f42cd8ad8;Sampled=1",
        "AWS_ENDPOINT_URL_DYNAMODB": url,
        "SSL_CERT_FILE": str(ROOT / ".bench" / "ca.pem"),
        "TABLE_EPOCHS_NAME": "epochs",
        "TRUSTED_PROXY_COUNT": "0",
        "HOME": "/nonexistent",
    }


def sample(python: str, folder: Path, environ: dict[str, str]) -> SampleRequest:
    """Run a case once and return its figures; raise RuntimeError for a wrong response."""
    reading, writing = os.pipe()
    with open(reading, encoding="ascii") as output:
        run = subprocess.run(
            [*(python, "-S", "-s", "-B", str(folder / "runner.py")), *map(str, (writing, *WARM))],
            env=environ,
            stdout=subprocess.DEVNULL,
            stderr=None if os.environ.get("EPOCH_TRACEBACK") else subprocess.DEVNULL,
            pass_fds=[writing],
            check=False,
        )
        os.close(writing)
        text = output.read()
    if run.returncode:
        raise RuntimeError(f"{folder.name} fails; EPOCH_TRACEBACK=1 shows why")
    found: SampleRequest = json.loads(text)
    status, body = found.pop("answer")
    answer = json.loads(body)
    uuid.UUID(answer["key"])
    if status != 201 or set(answer) != {"key", "epoch", "ip"} or answer["ip"] != "192.0.2.1":
        raise RuntimeError(f"{folder.name} returns {status} {body}")
    for name in ("warm_cpu_us", "warm_wall_us"):
        found[name] = statistics.median(found[name])
    found["wait_ms"] = found["cold_cpu_ms"] + (report.WEIGHT - 1) * found["first_request_cpu_ms"]
    return found


def measure(rounds: int, only: list[str]) -> dict[str, Any]:
    """Return the samples of each case, its folders' interpreter and the bundle's size."""
    python = local_python()
    folders, size = build.folders(python, only)
    samples: dict[str, list[SampleRequest]] = {name: [] for name in folders}
    with subprocess.Popen(
        [sys.executable, "-m", "tools.bench.fake_dynamodb", str(ROOT / ".bench")],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout and server.stdin
        url, sink = server.stdout.readline().split()
        for folder in folders.values():
            build.trust(folder, ROOT / ".bench" / "own.pem")
        for turn in range(rounds + 1):
            order = list(folders)
            random.shuffle(order)
            for at, name in enumerate(order):
                progress = f"\rround {turn} of {rounds}: {at + 1} of {len(order)} {name:<24}"
                print(progress, end="", file=sys.stderr, flush=True)
                found = sample(python, folders[name], environment(folders[name], url, sink))
                if turn:  # the first round fills the page cache and checks every response
                    samples[name].append(found)
        print(file=sys.stderr)
        server.stdin.close()
    shown = subprocess.run([python, "-VV"], capture_output=True, text=True, check=True).stdout
    return {"samples": samples, "size": size, "python": shown.strip()}


def _cell(values: list[float], own: float) -> str:
    """Return the median, half the interquartile range, and the ratio to this function's median."""
    low, middle, high = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
    return f"{middle:>9.1f} ±{(high - low) / 2:>6.1f} {middle / own:>5.2f}×"


def table(samples: dict[str, list[SampleRequest]]) -> list[str]:
    """Return a line for each case."""
    columns = (*FIGURES, "cold_wall_ms", "warm_wall_us")
    base = samples.get("epoch") or next(iter(samples.values()))
    own = {name: statistics.median(one[name] for one in base) for name in columns}
    lines = ["".join([f"{'':24}", *(f"{name:>24}" for name in columns)])]
    for case, found in samples.items():
        cells = (_cell([one[name] for one in found], own[name]) for name in columns)
        lines.append("".join([f"{case:24}", *cells]))
    return lines


def main() -> list[str]:
    """Measure, print and write the results, after a full run also to the documentation.

    The cases are not measured if the project has replaced POST /epoch.
    """
    if not post_epoch.is_declared():
        print(
            f"No cases: tools/bench/cases do what {post_epoch.ROUTE} does, which is not declared."
        )
        print("\n".join(system.table(system.measure())))
        return []
    rounds, *only = sys.argv[1:] or [str(ROUNDS)]
    found = measure(int(rounds), only)
    print("\n".join(table(found["samples"])))
    results: dict[str, Any] = {
        figure: {
            case: round(statistics.median(one[figure] for one in samples), 3)
            for case, samples in found["samples"].items()
        }
        for figure in FIGURES
    }
    results |= {"bundle_zip_mb": found["size"] / 1e6, "python": found["python"]}
    print(f"bundle, zipped: {found['size']:,} bytes; {found['python']}")
    if not only:
        around = system.measure()
        print("\n".join(system.table(around)))
        results |= around
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    if not only:
        python = found["python"].split()[1]
        machine = f"{datetime.date.today().isoformat()}: {chart.machine()}, Python {python}"
        conditions = f"{machine}, TLS, medians of {rounds} rounds"
        chart.draw(results, conditions)
        report.PAGE.write_text(report.text(results, conditions), encoding="utf-8")
    return []


if __name__ == "__main__":
    sys.exit(cli.run(main))
