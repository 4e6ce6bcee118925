"""`python -m tools.release.verify OUTPUTS BEFORE --to VERSIONS`: smoke-tests a deployment, and
rolls back if it fails.

It also runs after a failed update, which may have moved the alias. A rollback restores the former
versions of the jobs too. A version that passes must be the deployed one: Pulumi sees no change in
an alias that a former rollback has moved.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3

from tools import cli
from tools.release import pipeline_io, rollback, smoke

# SnapStart takes minutes to initialise a new version.
PENDING_S = 600
# Pulumi's pattern for the aliases in its state.
ALIASES = "**aws:lambda/alias:Alias::**"


def _outputs(path: Path, before: Path) -> Path | None:
    """Return the newest outputs; a failed update may have written none."""
    return next(
        (file for file in (path, before) if file.exists() and pipeline_io.read_outputs(file)), None
    )


def _stale(client: Any, outputs: Mapping[str, Any]) -> list[str]:
    """Return an error for each alias that serves another version than the deployed one."""
    deployed = rollback.named(outputs.get("function_versions", ""))
    serving = {name: rollback.live_version(client, name) for name in deployed}
    return [
        f"error: version {serving[name]} of {name} serves, but {version} is the deployed one; run "
        f"`pulumi refresh --target '{ALIASES}'`, then deploy again"
        for name, version in deployed.items()
        if serving[name] != version
    ]


def _run(path: Path, before: Path, version: str) -> list[str]:
    known = _outputs(path, before)
    if not known:
        return ["error: the stack has no outputs: there is no deployment to test"]
    client, outputs = boto3.client("lambda"), pipeline_io.read_outputs(known)
    function = pipeline_io.text(outputs, "function_name")
    live = rollback.live_version(client, function)
    client.get_waiter("published_version_active").wait(
        FunctionName=function,
        Qualifier=live,
        WaiterConfig={"Delay": 5, "MaxAttempts": PENDING_S // 5},
    )
    if smoke.main([str(known)]) == 0:
        # A failed update may have written no outputs.
        return _stale(client, outputs) if known == path else []
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
