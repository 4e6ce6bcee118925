"""`python -m tools.release.commit_order HISTORY COMMIT`: refuses to deploy over a newer commit.

Approvals may arrive in another order than commits. Each update in the stack's history has its
commit as message, a failed one too.
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
    """Return the commit of the newest update with one, or ""."""
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
            f"{path} is not a stack's history ({error}): "
            "write it with `pulumi stack history --json`"
        ) from None
    if before and not _precedes(before, commit):
        return [
            f"error: {commit} does not contain {before}, the deployed commit. Deploy a newer "
            "commit; to go back, revert on main or run `pulumi up` by hand"
        ]
    print(f"{commit} replaces {before or 'a deployment without a known commit'}")
    return []


def main(arguments: list[str] | None = None) -> int:
    """Return 0 if the commit may be deployed."""
    parser = argparse.ArgumentParser(prog="python -m tools.release.commit_order")
    parser.add_argument("history", type=Path, help="the stack's history, as JSON")
    parser.add_argument("commit", help="the commit to deploy, all 40 digits")
    chosen = parser.parse_args(arguments)
    return cli.run(lambda: _run(chosen.history, chosen.commit))


if __name__ == "__main__":
    sys.exit(main())
