"""`python -m tools.release.commit_order HISTORY COMMIT`: refuses to deploy a commit over one not
before it.

Approvals may come in another order than commits. The history of the stack names the commit of each
update as its message, of one that failed as well.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tools import cli
from tools.release import pipeline_io

_COMMIT = re.compile(r"[0-9a-f]{40}")


def deployed(history: list[dict[str, Any]]) -> str:
    """Return the commit of the newest update that has one, else an empty text."""
    messages = (entry["message"] for entry in history if entry["kind"] == "update")
    return next(filter(_COMMIT.fullmatch, messages), "")


def _precedes(earlier: str, later: str) -> bool:
    ancestor = subprocess.run(
        ["git", "merge-base", "--is-ancestor", earlier, later], capture_output=True, check=False
    )
    return ancestor.returncode == 0


def _run(path: Path, commit: str) -> list[str]:
    try:
        before = deployed(json.loads(path.read_text(encoding="utf-8")) or [])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise pipeline_io.CommandError(
            f"{path} is no history ({error}); write it with `pulumi stack history --json`"
        ) from None
    if before and not _precedes(before, commit):
        return [
            f"error: {commit} does not contain {before}, which was deployed last. Deploy a newer "
            "commit; to go back, revert on main, or run `pulumi up` by hand"
        ]
    print(f"{commit} goes over {before or 'nothing that names its commit'}")
    return []


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when the commit may be deployed."""
    parser = argparse.ArgumentParser(prog="python -m tools.release.commit_order")
    parser.add_argument("history", type=Path, help="the stack's history, as JSON")
    parser.add_argument("commit", help="what is to be deployed, all 40 digits")
    chosen = parser.parse_args(arguments)
    return cli.run(lambda: _run(chosen.history, chosen.commit))


if __name__ == "__main__":
    sys.exit(main())
