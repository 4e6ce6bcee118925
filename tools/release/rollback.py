"""`python -m tools.release.rollback OUTPUTS`: puts the aliases back to the versions that served
before.

A deployment publishes a version of the API's function and of each job's, or none where one has not
changed. Which ones served before it only Lambda knows: Pulumi's state may hold versions that a
rollback has left. So a deployment asks first (`--show`), and gives that back (`--to`). Without it
the function goes to the newest version below the one that serves. A job that is not named follows
the function: to its newest version of the same code, which is one bundle for all; a job that is
newer than that code stays.

Nothing else moves: routes, tables and alarms stay as they were deployed. Pulumi's state keeps the
versions that failed, so a preview with --refresh shows the aliases as drift, `pulumi up` without a
refresh leaves them where they are, and the next deployment that changes a function moves its alias
forward.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3

from tools import cli
from tools.release import pipeline_io

ALIAS = "live"


def serving(client: Any, function: str) -> str:
    """Return the version behind the alias."""
    return str(client.get_alias(FunctionName=function, Name=ALIAS)["FunctionVersion"])


def versions(client: Any, function: str) -> dict[int, str]:
    """Return the function's published versions, each with the hash of its code."""
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    found = {
        version["Version"]: version["CodeSha256"] for page in pages for version in page["Versions"]
    }
    return {int(number): code for number, code in found.items() if number.isdecimal()}


def functions(outputs: Mapping[str, Any]) -> list[str]:
    """Return the names of the API's function, and after it of the jobs'; raises CommandError where
    the first is missing."""
    return [pipeline_io.text(outputs, "function_name"), *outputs.get("job_functions", {}).values()]


def _before(client: Any, function: str, current: str) -> str:
    earlier = [number for number in versions(client, function) if number < int(current)]
    if not earlier:
        raise pipeline_io.CommandError(
            f"version {current} of {function} is the first: nothing to roll back"
        )
    return str(max(earlier))


def _of_code(client: Any, function: str, current: str, code: str | None) -> str:
    """Return the newest version of that code up to the current one, or that where there is none."""
    same = [number for number, of in versions(client, function).items() if of == code]
    return str(max((number for number in same if number <= int(current)), default=current))


def _named(to: str) -> dict[str, str]:
    """Return the versions in what `--show` printed, by function; a number is that of ""."""
    pairs = (part.rpartition(":") for part in to.split(",") if part)
    return {function: version for function, _, version in pairs}


def roll_back(client: Any, names: Sequence[str], to: str = "") -> str:
    """Move the aliases of functions, the API's first, to the versions of `to`; say what was done.

    Raises CommandError where there is nothing to roll back.
    """
    first, *jobs = names
    named = _named(to)
    current = {name: serving(client, name) for name in names}
    target = {first: named.get(first) or named.get("") or _before(client, first, current[first])}
    code = versions(client, first).get(int(target[first]))
    for job in jobs:
        target[job] = named.get(job) or _of_code(client, job, current[job], code)
    moved = [name for name in names if target[name] != current[name]]
    if not moved:
        raise pipeline_io.CommandError(
            f"version {current[first]} of {first} served before and serves now: "
            "nothing to roll back"
        )
    for name in moved:
        client.update_alias(FunctionName=name, Name=ALIAS, FunctionVersion=target[name])
    return "\n".join(
        f"{name}:{ALIAS} serves version {target[name]} again, instead of {current[name]}"
        for name in moved
    )


def _run(path: Path, show: bool, to: str) -> list[str]:
    outputs = pipeline_io.read_outputs(path)
    client = boto3.client("lambda")
    if show:
        # Before the first deployment there are no outputs, and nothing serves.
        names = functions(outputs) if outputs else []
        print(",".join(f"{name}:{serving(client, name)}" for name in names))
        return []
    done = roll_back(client, functions(outputs), to)
    print(done)
    pipeline_io.summarize(f"### Rolled back\n\n{done}")
    return []


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when an alias has moved, or the versions were shown."""
    parser = argparse.ArgumentParser(prog="python -m tools.release.rollback")
    parser.add_argument("outputs", type=Path, help="the stack's outputs, as JSON")
    parser.add_argument("--show", action="store_true", help="only print the versions that serve")
    parser.add_argument(
        "--to",
        default="",
        metavar="VERSIONS",
        help="what --show printed, or the function's version",
    )
    chosen = parser.parse_args(arguments)
    return cli.run(lambda: _run(chosen.outputs, chosen.show, chosen.to))


if __name__ == "__main__":
    sys.exit(main())
