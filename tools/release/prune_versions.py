"""`python -m tools.release.prune_versions OUTPUTS`: removes the functions' versions that no
rollback needs.

A version is kept for ever, and with SnapStart its snapshot is billed as long. The newest three stay
and what the alias serves: a rollback goes back by one, a second one by another.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import boto3

from tools import cli
from tools.release import pipeline_io, rollback

KEEP = 3


def prune(client: Any, function: str) -> list[str]:
    """Delete the function's versions but the newest and the one that serves; return which."""
    numbers = sorted(rollback.versions(client, function))
    serving = int(rollback.serving(client, function))
    old = [str(number) for number in numbers[:-KEEP] if number != serving]
    for version in old:
        client.delete_function(FunctionName=function, Qualifier=version)
    return old


def _run(path: Path) -> list[str]:
    client = boto3.client("lambda")
    for function in rollback.functions(pipeline_io.read_outputs(path)):
        removed = prune(client, function)
        print(f"{function}: removed {', '.join(removed) or 'no version'}")
    return []


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when no version is left that is not needed."""
    parser = argparse.ArgumentParser(prog="python -m tools.release.prune_versions")
    parser.add_argument("outputs", type=Path, help="the stack's outputs, as JSON")
    chosen = parser.parse_args(arguments)
    return cli.run(lambda: _run(chosen.outputs))


if __name__ == "__main__":
    sys.exit(main())
