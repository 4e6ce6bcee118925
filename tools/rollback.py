"""`python -m tools.rollback OUTPUTS`: puts the alias back to the version that served before.

A deployment publishes a version of the function, or none where the function has not changed.
Which one served before it only Lambda knows: Pulumi's state may hold a version that a rollback has
left. So a deployment asks first (`--show`), and gives that number back (`--to`). Without a number
it is the newest version below the one that serves.

Nothing else moves: routes, tables and alarms stay as they were deployed. Pulumi's state keeps the
version that failed, so a preview with --refresh shows the alias as drift, `pulumi up` without a
refresh leaves it where it is, and the next deployment that changes the function moves it forward.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import boto3

from tools import ci, command

ALIAS = "live"


def serving(client: Any, function: str) -> str:
    """Return the version behind the alias."""
    return str(client.get_alias(FunctionName=function, Name=ALIAS)["FunctionVersion"])


def versions(client: Any, function: str) -> list[int]:
    """Return the function's published versions."""
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    numbers = (version["Version"] for page in pages for version in page["Versions"])
    return [int(number) for number in numbers if number.isdecimal()]


def _before(client: Any, function: str, current: str) -> str:
    earlier = [number for number in versions(client, function) if number < int(current)]
    if not earlier:
        raise ci.CommandError(f"version {current} of {function} is the first: nothing to roll back")
    return str(max(earlier))


def roll_back(client: Any, function: str, to: str = "") -> str:
    """Move the alias to version `to`, or to the newest below the present one; say what was done.

    Raises CommandError where there is nothing to roll back.
    """
    current = serving(client, function)
    target = to or _before(client, function, current)
    if target == current:
        raise ci.CommandError(
            f"version {current} of {function} served before and serves now: nothing to roll back"
        )
    client.update_alias(FunctionName=function, Name=ALIAS, FunctionVersion=target)
    return f"{function}:{ALIAS} serves version {target} again, instead of {current}"


def _run(path: Path, show: bool, to: str) -> list[str]:
    outputs = ci.read_outputs(path)
    client = boto3.client("lambda")
    if show:
        # Before the first deployment there are no outputs, and nothing serves.
        print(serving(client, ci.text(outputs, "function_name")) if outputs else "")
        return []
    done = roll_back(client, ci.text(outputs, "function_name"), to)
    print(done)
    ci.summarize(f"### Rolled back\n\n{done}.")
    return []


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when the alias has moved, or its version was shown."""
    parser = argparse.ArgumentParser(prog="python -m tools.rollback")
    parser.add_argument("outputs", type=Path, help="the stack's outputs, as JSON")
    parser.add_argument("--show", action="store_true", help="only print the version that serves")
    parser.add_argument("--to", default="", metavar="VERSION", help="the version to go back to")
    chosen = parser.parse_args(arguments)
    return command.run(lambda: _run(chosen.outputs, chosen.show, chosen.to))


if __name__ == "__main__":
    sys.exit(main())
