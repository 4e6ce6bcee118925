"""`python -m tools.release.rollback show OUTPUTS`, or `to OUTPUTS VERSIONS`: former versions.

A deployment publishes a version of each changed function. Only Lambda knows the former versions:
after a rollback, Pulumi's state differs. So a deployment prints them first (`show`) and passes
them on: `to` moves the aliases back to them. If VERSIONS is empty, the API's function goes to the
newest version below the live one. A job without a version follows it to the newest version of the
same code, since all functions share one bundle; a job without a version of that code stays.

Routes, tables and alarms stay as deployed. Pulumi's state keeps the failed versions: `make drift`
shows the aliases as changed, and `pulumi up` without a refresh leaves them. A deployment by the
pipeline refreshes the aliases first, so it moves them forward again.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import boto3

from tools import cli
from tools.release import pipeline_io

ALIAS = "live"
PENDING_S = 600


def live_version(client: Any, function: str) -> str:
    """Return the version of the alias."""
    return str(client.get_alias(FunctionName=function, Name=ALIAS)["FunctionVersion"])


def move(
    client: Any, function: str, version: str, weights: Mapping[str, float] = MappingProxyType({})
) -> None:
    """Move the alias to a version; `weights` are the shares of other versions."""
    client.update_alias(
        FunctionName=function,
        Name=ALIAS,
        FunctionVersion=version,
        RoutingConfig={"AdditionalVersionWeights": dict(weights)},
    )


def wait_until_active(client: Any, function: str, version: str) -> None:
    """Wait until a version can serve; SnapStart takes minutes to initialise a new one."""
    client.get_waiter("published_version_active").wait(
        FunctionName=function,
        Qualifier=version,
        WaiterConfig={"Delay": 5, "MaxAttempts": PENDING_S // 5},
    )


def stale(client: Any, outputs: Mapping[str, Any]) -> list[str]:
    """Return an error for each alias that serves another version than the deployed one."""
    deployed = named(outputs.get("function_versions", ""))
    serving = {name: live_version(client, name) for name in deployed}
    return [
        f"error: version {serving[name]} of {name} serves, but {version} is the deployed one; see "
        "'Smoke test and rollback' in docs/pipeline.md"
        for name, version in deployed.items()
        if serving[name] != version
    ]


def versions(client: Any, function: str) -> dict[int, str]:
    """Return the hash of the code of each published version."""
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    found = {
        version["Version"]: version["CodeSha256"] for page in pages for version in page["Versions"]
    }
    return {int(number): code for number, code in found.items() if number.isdecimal()}


def functions(outputs: Mapping[str, Any]) -> list[str]:
    """Return the names of the API's function and of the jobs'; raise CommandError without the
    first."""
    own = [outputs[name] for name in ("authorizer_function",) if name in outputs]
    jobs = outputs.get("job_functions", {}).values()
    return [pipeline_io.text(outputs, "function_name"), *own, *jobs]


def _before(client: Any, function: str, current: str) -> str:
    earlier = [number for number in versions(client, function) if number < int(current)]
    if not earlier:
        raise pipeline_io.CommandError(
            f"version {current} of {function} is the first one: there is no version to roll back to"
        )
    return str(max(earlier))


def _of_code(client: Any, function: str, current: str, code: str | None) -> str:
    """Return the newest version with that code up to the current one, or the current one."""
    same = [number for number, of in versions(client, function).items() if of == code]
    return str(max((number for number in same if number <= int(current)), default=current))


def named(to: str) -> dict[str, str]:
    """Return the versions that `show` printed, by function; a bare number has the function ""."""
    pairs = (part.rpartition(":") for part in to.split(",") if part)
    return {function: version for function, _, version in pairs}


def roll_back(client: Any, names: Sequence[str], to: str = "") -> str:
    """Move the aliases of functions, the API's first, to the versions of `to`; return a report.

    Raises CommandError if no alias would move.
    """
    first, *jobs = names
    chosen = named(to)
    current = {name: live_version(client, name) for name in names}
    target = {first: chosen.get(first) or chosen.get("") or _before(client, first, current[first])}
    code = versions(client, first).get(int(target[first]))
    for job in jobs:
        target[job] = chosen.get(job) or _of_code(client, job, current[job], code)
    moved = [name for name in names if target[name] != current[name]]
    if not moved:
        raise pipeline_io.CommandError(
            f"version {current[first]} of {first} is live already: there is nothing to roll back"
        )
    for name in moved:
        move(client, name, target[name])
    return "\n".join(
        f"{name}:{ALIAS} serves version {target[name]} again instead of {current[name]}"
        for name in moved
    )


def show(path: str) -> list[str]:
    """Print the live versions; there is none before the first deployment."""
    outputs = pipeline_io.read_outputs(Path(path))
    client, names = boto3.client("lambda"), functions(outputs) if outputs else []
    print(",".join(f"{name}:{live_version(client, name)}" for name in names))
    return []


def move_back(path: str, to: str) -> list[str]:
    """Move the aliases to the versions that `show` printed, or to one of the API's function."""
    names = functions(pipeline_io.read_outputs(Path(path)))
    done = roll_back(boto3.client("lambda"), names, to)
    print(done)
    pipeline_io.summarize(f"### Rolled back\n\n{done}")
    return []


COMMANDS: Mapping[str, Callable[..., list[str]]] = {"show": show, "to": move_back}


def main(arguments: list[str]) -> int:
    """Return 0 if an alias has moved, or the versions are printed."""
    command, *rest = arguments
    return cli.run(COMMANDS[command], rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
