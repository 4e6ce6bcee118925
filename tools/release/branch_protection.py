"""`python -m tools.release.branch_protection BRANCH ENVIRONMENT`: checks GitHub's protection rules.

The deploy roles trust main, and prod needs an approval. Both depend on settings of the repository
that no other check covers. The arguments are files with GitHub's responses to
`GET /repos/OWNER/REPO/branches/main` and `GET /repos/OWNER/REPO/environments/prod`.
"""

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tools import cli
from tools.release import pipeline_io


def missing(branch: dict[str, Any], environment: dict[str, Any]) -> Iterator[str]:
    """Return an error line with the place of the setting for each missing rule."""
    if not branch.get("protected"):
        yield (
            f"error: the branch {branch.get('name')} is not protected, although the deploy roles "
            "trust it; see step 4 of docs/pipeline.md"
        )
    rules = environment.get("protection_rules", [])
    name = environment.get("name")
    if not any(
        rule.get("type") == "required_reviewers" and rule.get("reviewers") for rule in rules
    ):
        yield f"error: the environment {name} has no reviewers; see step 3 of docs/pipeline.md"
    if not environment.get("deployment_branch_policy"):
        yield f"error: the environment {name} accepts any branch; see step 3 of docs/pipeline.md"


def _run(branch: str, environment: str) -> Iterator[str]:
    read = (
        pipeline_io.read_json(Path(path), "a response of GitHub's API", "write it with `gh api`")
        for path in (branch, environment)
    )
    return missing(*read)


main = partial(cli.run, _run)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
