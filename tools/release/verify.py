"""`python -m tools.release.verify OUTPUTS BEFORE --to VERSIONS`: smoke-tests a deployment, and
rolls back if it fails.

It also runs after a failed update, which may have moved the alias. A rollback restores the former
versions of the jobs too. A version that passes must be the deployed one: Pulumi sees no change in
an alias that a former rollback has moved.
"""

import argparse
import sys
from pathlib import Path

import boto3

from tools import cli
from tools.release import pipeline_io, rollback, rollout, smoke

# Pulumi's pattern for the aliases in its state.
ALIASES = "**aws:lambda/alias:Alias::**"


def _outputs(path: Path, before: Path) -> Path | None:
    """Return the newest outputs; a failed update may have written none."""
    return next(
        (file for file in (path, before) if file.exists() and pipeline_io.read_outputs(file)), None
    )


def _run(path: Path, before: Path, version: str) -> list[str]:
    known = _outputs(path, before)
    if not known:
        return ["error: the stack has no outputs: there is no deployment to test"]
    client, outputs = boto3.client("lambda"), pipeline_io.read_outputs(known)
    function = pipeline_io.text(outputs, "function_name")
    # A failed update may have written no outputs.
    if known == path and "rollout" in outputs:
        if errors := rollout.shift(client, boto3.client("cloudwatch"), outputs):
            return errors
    live = rollback.live_version(client, function)
    rollback.wait_until_active(client, function, live)
    if smoke.main([str(known)]) == 0:
        return rollback.stale(client, outputs) if known == path else []
    rollback.main([str(known), "--to", version])
    smoke.main([str(known)])
    return [f"error: version {live} of {function} did not pass the smoke test"]


def main(arguments: list[str] | None = None) -> int:
    """Return 0 if the deployment passes."""
    parser = argparse.ArgumentParser(prog="python -m tools.release.verify")
    parser.add_argument(
        "outputs", type=Path, help="the stack's outputs after the deployment, as JSON"
    )
    parser.add_argument(
        "before", type=Path, help="the stack's outputs before the deployment, as JSON"
    )
    parser.add_argument(
        "--to", default="", metavar="VERSIONS", help="the versions before the deployment"
    )
    chosen = parser.parse_args(arguments)
    return cli.run(lambda: _run(chosen.outputs, chosen.before, chosen.to))


if __name__ == "__main__":
    sys.exit(main())
