"""`python -m tools.release.verify OUTPUTS BEFORE VERSIONS`: smoke-tests a deployment.

It rolls the functions back if the test fails.

OUTPUTS and BEFORE hold the stack's outputs after and before the deployment, VERSIONS the output of
`make live-versions` before it.

It also runs after a failed update, which may have moved the alias. A rollback restores the former
versions of the jobs too. A version that passes must be the deployed one: Pulumi sees no change in
an alias that a former rollback has moved.
"""

import sys
from functools import partial
from pathlib import Path

import boto3

from tools import cli
from tools.release import pipeline_io, rollback, rollout, smoke

# Pulumi's pattern for the aliases in its state.
ALIASES = "**aws:lambda/alias:Alias::**"


def _run(after: str, before: str, versions: str) -> list[str]:
    # A failed update may have written no outputs.
    files = [file for file in (Path(after), Path(before)) if file.exists()]
    known = next(filter(pipeline_io.read_outputs, files), None)
    if not known:
        return ["error: the stack has no outputs: there is no deployment to test"]
    client, outputs = boto3.client("lambda"), pipeline_io.read_outputs(known)
    function = pipeline_io.text(outputs, "function_name")
    is_new = known == Path(after)
    if is_new and "rollout" in outputs:
        if errors := rollout.shift(client, boto3.client("cloudwatch"), outputs):
            return errors
    live = rollback.live_version(client, function)
    rollback.wait_until_active(client, function, live)
    if smoke.main([str(known)]) == 0:
        return rollback.stale(client, outputs) if is_new else []
    rollback.main(["to", str(known), versions])
    smoke.main([str(known)])
    return [f"error: version {live} of {function} did not pass the smoke test"]


main = partial(cli.run, _run)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
