"""`python -m tools.release.drift STACK`: compares AWS with what was deployed, at the commit that
was.

Main may be ahead: an approval is waited for. So the program is taken from the commit in the stack's
outputs, in a worktree of its own. Left out is what says nothing about it: the alias, which a
rollback moves on purpose, and what holds a key's or a secret's value, which who looks may not read.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from local import stack_files
from tools import cli
from tools.release import pipeline_io

LEFT_OUT = (
    *("aws:apigateway/apiKey:ApiKey", "aws:apigateway/usagePlanKey:UsagePlanKey"),
    *("aws:lambda/alias:Alias", "aws:secretsmanager/secretVersion:SecretVersion"),
)


def _run(words: Sequence[str], cwd: Path | None = None) -> str:
    """Return what a command printed; raises CommandError with the end of what it said."""
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise pipeline_io.CommandError(
            f"{' '.join(words[:3])}: {(done.stderr or done.stdout).strip()}"
        )
    return done.stdout


def _compare(stack: str) -> list[str]:
    outputs = json.loads(_run(["pulumi", "stack", "output", "--stack", stack, "--json"]))
    commit = outputs.get("commit", "")
    if not re.fullmatch("[0-9a-f]{40}", commit):
        return [f"error: {stack} was deployed by hand, from no known commit; deploy it from main"]
    excluded = [word for kind in LEFT_OUT for word in ("--exclude", f"**{kind}::**")]
    with tempfile.TemporaryDirectory(prefix="epoch-drift-") as folder:
        tree = Path(folder, "deployed")
        _run(["git", "worktree", "add", "--detach", str(tree), commit])
        try:
            _run(["make", "--silent", ".venv/.ready"], cwd=tree)
            found = subprocess.run(
                [
                    *("pulumi", "preview", "--stack", stack, "--refresh", "--diff"),
                    *("--expect-no-changes", "--non-interactive", "--color", "never", *excluded),
                ],
                cwd=tree,
                env={**os.environ, "EPOCH_COMMIT": commit},
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            _run(["git", "worktree", "remove", "--force", str(tree)])
    said = (found.stdout + found.stderr)[-60_000:]
    print(said)
    pipeline_io.summarize(f"### `{stack}` against {commit}\n```\n{said}\n```")
    return [f"error: {stack} is not as {commit} declares it"] if found.returncode else []


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when AWS is as it was deployed."""
    parser = argparse.ArgumentParser(prog="python -m tools.release.drift")
    parser.add_argument("stack", help='"" for the default one')
    chosen = parser.parse_args(arguments)
    return cli.run(lambda: _compare(chosen.stack or stack_files.default_stack()))


if __name__ == "__main__":
    sys.exit(main())
