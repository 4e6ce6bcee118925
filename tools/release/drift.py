"""`python -m tools.release.drift STACK`: compares AWS with the deployed commit; "" is the default
stack.

Main may be ahead, for example before an approval. So the program comes from the commit in the
stack's outputs, in a worktree of its own. The comparison excludes resources with the value of a key
or secret, which the preview role cannot read. It includes the aliases: a rollback is a difference.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import boto3

from local import stack_files
from tools import cli
from tools.release import pipeline_io, rollback

EXCLUDED = (
    *("aws:apigateway/apiKey:ApiKey", "aws:apigateway/usagePlanKey:UsagePlanKey"),
    "aws:secretsmanager/secretVersion:SecretVersion",
)


def _run(words: Sequence[str], cwd: Path | None = None) -> str:
    """Return the output of a command; raise CommandError with its error output."""
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise pipeline_io.CommandError(
            f"{' '.join(words[:3])}: {(done.stderr or done.stdout).strip()}"
        )
    return done.stdout


def _compare(stack: str) -> list[str]:
    stack = stack or stack_files.default_stack()
    outputs = json.loads(_run(["pulumi", "stack", "output", "--stack", stack, "--json"]))
    commit = outputs.get("deployed_commit", "")
    if not re.fullmatch("[0-9a-f]{40}", commit):
        return [f"error: {stack} was deployed by hand from an unknown commit; deploy it from main"]
    excluded = [word for kind in EXCLUDED for word in ("--exclude", f"**{kind}::**")]
    preview = [
        *("pulumi", "preview", "--stack", stack, "--refresh", "--diff", "--expect-no-changes"),
        *("--non-interactive", "--color", "never", *excluded),
    ]
    with tempfile.TemporaryDirectory(prefix="epoch-drift-") as folder:
        tree = Path(folder, "deployed")
        _run(["git", "worktree", "add", "--detach", str(tree), commit])
        try:
            _run(["make", "--silent", ".venv/.ready"], cwd=tree)
            own = {**os.environ, "EPOCH_COMMIT": commit}
            found = subprocess.run(
                preview, cwd=tree, env=own, capture_output=True, text=True, check=False
            )
        finally:
            _run(["git", "worktree", "remove", "--force", str(tree)])
    output = (found.stdout + found.stderr)[-60_000:]
    print(output)
    pipeline_io.summarize(f"### `{stack}` against {commit}\n```\n{output}\n```")
    # With a gradual rollout, Pulumi ignores the aliases.
    versions = outputs.get("function_versions")
    errors = rollback.stale(boto3.client("lambda"), outputs) if versions else []
    if found.returncode:
        errors.append(f"error: {stack} differs from {commit}; see docs/operations.md")
    return errors


main = partial(cli.run, _compare)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
