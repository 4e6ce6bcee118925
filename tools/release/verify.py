"""`python -m tools.release.verify OUTPUTS BEFORE --to VERSIONS`: smoke-tests a deployment, and
rolls back if it fails.

It also runs after a failed update, which may have moved the alias. A rollback restores the former
versions of the jobs too.
"""

import argparse
import sys
from pathlib import Path

import boto3

from tools import cli
from tools.release import pipeline_io, rollback, smoke

# SnapStart takes minutes to initialise a new version.
PENDING_S = 600


def _outputs(path: Path, before: Path) -> Path | None:
    """Return the newest outputs; a failed update may have written none."""
    return next(
        (file for file in (path, before) if file.exists() and pipeline_io.read_outputs(file)), None
    )


def _run(path: Path, before: Path, version: str) -> list[str]:
    known = _outputs(path, before)
    if not known:
        return ["error: the stack has no outputs: there is no deployment to test"]
    client, function = boto3.client("lambda"), pipeline_io.text(
        pipeline_io.read_outputs(known), "function_name"
    )
    live = rollback.live_version(client, function)
    client.get_waiter("published_version_active").wait(
        FunctionName=function,
        Qualifier=live,
        WaiterConfig={"Delay": 5, "MaxAttempts": PENDING_S // 5},
    )
    if smoke.main([str(known)]) == 0:
        return []
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
