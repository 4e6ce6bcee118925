"""`python -m tools.release.commit_order HISTORY COMMIT`: refuses to deploy over a newer commit.

COMMIT has all 40 digits. Approvals may arrive in another order than commits. Each update in the
stack's history has its commit as message, a failed one too.
"""

import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

from tools import cli
from tools.release import pipeline_io

_COMMIT = re.compile(r"[0-9a-f]{40}")


def deployed(history: list[dict[str, Any]]) -> str:
    """Return the commit of the newest update with one, or ""."""
    messages = (entry["message"] for entry in history if entry["kind"] == "update")
    return next(filter(_COMMIT.fullmatch, messages), "")


def _precedes(earlier: str, later: str) -> bool:
    ancestor = subprocess.run(
        ["git", "merge-base", "--is-ancestor", earlier, later], capture_output=True, check=False
    )
    return ancestor.returncode == 0


def _run(path: str, commit: str) -> list[str]:
    advice = "write it with `pulumi stack history --json`"
    before = deployed(pipeline_io.read_json(Path(path), "a stack's history", advice) or [])
    if before and not _precedes(before, commit):
        return [
            f"error: {commit} does not contain {before}, the deployed commit. Deploy a newer "
            "commit; to go back, revert on main or run `pulumi up` by hand"
        ]
    print(f"{commit} replaces {before or 'a deployment without a known commit'}")
    return []


main = partial(cli.run, _run)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
