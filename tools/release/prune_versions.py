"""`python -m tools.release.prune_versions OUTPUTS`: deletes versions that no rollback needs.

Lambda keeps versions for ever, and bills SnapStart for each. The newest three and the live one
stay: a rollback goes back by one version, a second rollback by another.
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
    """Delete all versions but the newest and the live one; return the deleted versions."""
    numbers = sorted(rollback.versions(client, function))
    live = int(rollback.live_version(client, function))
    old = [str(number) for number in numbers[:-KEEP] if number != live]
    for version in old:
        client.delete_function(FunctionName=function, Qualifier=version)
    return old


def _run(path: Path) -> list[str]:
    client = boto3.client("lambda")
    for function in rollback.functions(pipeline_io.read_outputs(path)):
        deleted = prune(client, function)
        print(f"{function}: deleted {', '.join(deleted) or 'no version'}")
    return []


def main(arguments: list[str] | None = None) -> int:
    """Return 0 if no unneeded version is left."""
    parser = argparse.ArgumentParser(prog="python -m tools.release.prune_versions")
    parser.add_argument("outputs", type=Path, help="the stack's outputs, as JSON")
    chosen = parser.parse_args(arguments)
    return cli.run(lambda: _run(chosen.outputs))


if __name__ == "__main__":
    sys.exit(main())
