"""`python -m tools.release.branch_protection BRANCH ENVIRONMENT`: whether GitHub holds what a
deployment rests on.

The roles trust what is on main, and prod waits for an approval: both are settings of the repository
that nothing else here would miss. Reads GitHub's answers (`GET /repos/OWNER/REPO/branches/main`,
`GET /repos/OWNER/REPO/environments/prod`), as files.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools import cli
from tools.release import pipeline_io


def missing(branch: dict[str, Any], environment: dict[str, Any]) -> Iterator[str]:
    """Return each rule that is not there, and where it is set."""
    if not branch.get("protected"):
        yield (
            f"error: the branch {branch.get('name')} is not protected, and the deploy roles trust "
            "what is on it; see step 4 of docs/pipeline.md"
        )
    rules = environment.get("protection_rules", [])
    name = environment.get("name")
    if not any(
        rule.get("type") == "required_reviewers" and rule.get("reviewers") for rule in rules
    ):
        yield f"error: the environment {name} has no reviewers; see step 3 of docs/pipeline.md"
    if not environment.get("deployment_branch_policy"):
        yield f"error: the environment {name} takes any branch; see step 3 of docs/pipeline.md"


def _read(path: Path) -> dict[str, Any]:
    try:
        answer = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise pipeline_io.CommandError(f"{path} is no answer of GitHub's API: {error}") from None
    if not isinstance(answer, dict) or "name" not in answer:
        raise pipeline_io.CommandError(f"{path} is no answer of GitHub's API: it names nothing")
    return answer


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when every rule is there."""
    parser = argparse.ArgumentParser(prog="python -m tools.release.branch_protection")
    parser.add_argument("branch", type=Path, help="GitHub's answer about the branch, as JSON")
    parser.add_argument("environment", type=Path, help="its answer about the environment")
    chosen = parser.parse_args(arguments)
    return cli.run(lambda: missing(_read(chosen.branch), _read(chosen.environment)))


if __name__ == "__main__":
    sys.exit(main())
