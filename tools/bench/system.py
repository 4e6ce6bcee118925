"""Measures the program, the local run and the README's commands."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from local.stack_files import ROOT
from tools.bench import large_service
from tools.checks import pulumi_cli
from tools.project_copy import copy_of_project

ENDPOINTS = (1, 10, 100)
REQUESTS = 20_000
ROUNDS = 3
# Commands of Make, with the number of runs.
COMMANDS = {"demo": 5, "lint": 1, "test": 1}


def _child(module: str, folder: Path, *arguments: int, **environment: str) -> dict[str, Any]:
    """Run a module of this package in the project of a folder; return its JSON output."""
    shown = f"\r{module} in {folder.name} {' '.join(map(str, arguments))}"
    print(f"{shown:<79}", end="", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", f"tools.bench.{module}", *map(str, arguments)]
    environ = {**os.environ, **environment}
    run = subprocess.run(command, cwd=folder, env=environ, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found


def _engine(folder: Path, *arguments: int) -> dict[str, Any]:
    """Return the figures of the Pulumi engine, or {} without the CLI."""
    cli = pulumi_cli.at_hand()
    return _child("engine", folder, *arguments, **pulumi_cli.on_path(cli)) if cli else {}


def _middle(samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the median of each figure."""
    return {name: statistics.median(one[name] for one in samples) for name in samples[0]}


def _commands(folder: Path) -> dict[str, float]:
    """Return the median seconds of commands of Make in a copy, in which `make demo` has run before.

    Raises RuntimeError if a command fails.
    """
    copy_of_project(folder)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}

    def seconds(name: str) -> float:
        print(f"\r{f'make {name}':<79}", end="", file=sys.stderr, flush=True)
        started, command = time.perf_counter(), ["make", name]
        run = subprocess.run(command, cwd=folder, env=environ, capture_output=True, check=False)
        if run.returncode:
            raise RuntimeError(f"make {name} fails, so it has no duration; run it to see the cause")
        return time.perf_counter() - started

    seconds("demo")
    found = {name: [seconds(name) for _ in range(runs)] for name, runs in COMMANDS.items()}
    return {name: round(statistics.median(each), 2) for name, each in found.items()}


def measure() -> dict[str, Any]:
    """Return `commands`, `growth`, the figures by number of endpoints, and `local_run`."""
    growth: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        commands = _commands(Path(name, "commands"))
        for count in ENDPOINTS:
            folder = large_service.copy(Path(name, str(count)), count)
            programs = [_child("program", folder) for _ in range(ROUNDS)]
            # One run is enough with many endpoints.
            ups = [_child("local_run", folder, 0) for _ in range(ROUNDS if count == 1 else 1)]
            engines = [_engine(folder) for _ in range(ROUNDS)]
            growth[str(count)] = _middle(programs) | _middle(ups) | _middle(engines)
        growth["100"] |= _engine(ROOT, 500)
    load, reload = _child("local_run", ROOT, REQUESTS), _child("reload", ROOT)
    print(file=sys.stderr)
    local = load | growth["1"] | reload
    return {"commands": commands, "growth": growth, "local_run": local}


def table(found: dict[str, Any]) -> list[str]:
    """Return the lines of the report."""
    growth, local = found["growth"], found["local_run"]
    names = list(growth["1"])
    lines = ["".join([f"{'endpoints':12}", *(f"{name:>18}" for name in names)])]
    for count, figures in growth.items():
        lines.append("".join([f"{count:12}", *(f"{figures[name]:>18,}" for name in names)]))
    if "engine_up_s" not in names:
        lines.append("no figures of the Pulumi engine: its CLI is not installed (make test-pulumi)")
    lines += [f"make {name}: {seconds} s" for name, seconds in found["commands"].items()]
    return lines + [f"local run: {name} {value}" for name, value in local.items()]
