"""`python -m tools.release.verify OUTPUTS BEFORE --to VERSIONS`: leaves serving what passed the
smoke test.

For after a deployment, however it ended: an update may fail when the alias has moved. What serves
then is asked as a client would; where its answer is wrong, the versions before serve again, of
the jobs too.
"""

import argparse
import sys
from pathlib import Path

import boto3

from tools import cli
from tools.release import pipeline_io, rollback, smoke

# A version that is published for the first time with SnapStart takes minutes to be initialised.
PENDING_S = 600


def _outputs(path: Path, before: Path) -> Path | None:
    """Return the newest outputs there are; a failed update may have written none."""
    return next(
        (file for file in (path, before) if file.exists() and pipeline_io.read_outputs(file)), None
    )


def _run(path: Path, before: Path, version: str) -> list[str]:
    known = _outputs(path, before)
    if not known:
        return ["error: the stack has no outputs: nothing serves that could be tested"]
    client, function = boto3.client("lambda"), pipeline_io.text(
        pipeline_io.read_outputs(known), "function_name"
    )
    serving = rollback.serving(client, function)
    client.get_waiter("published_version_active").wait(
        FunctionName=function,
        Qualifier=serving,
        WaiterConfig={"Delay": 5, "MaxAttempts": PENDING_S // 5},
    )
    if smoke.main([str(known)]) == 0:
        return []
    rollback.main([str(known), "--to", version])
    smoke.main([str(known)])
    return [f"error: version {serving} of {function} did not pass the smoke test"]


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when what serves passed at once."""
    parser = argparse.ArgumentParser(prog="python -m tools.release.verify")
    parser.add_argument("outputs", type=Path, help="the stack's outputs after it, as JSON")
    parser.add_argument("before", type=Path, help="the stack's outputs before it, as JSON")
    parser.add_argument("--to", default="", metavar="VERSIONS", help="what served before")
    chosen = parser.parse_args(arguments)
    return cli.run(lambda: _run(chosen.outputs, chosen.before, chosen.to))


if __name__ == "__main__":
    sys.exit(main())
