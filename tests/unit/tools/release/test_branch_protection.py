"""GitHub's rules for main and prod."""

import json
from pathlib import Path
from typing import Any

import pytest

from tools.release import branch_protection

PROTECTED = {"name": "main", "protected": True}
GUARDED = {
    "name": "live",
    "protection_rules": [{"type": "required_reviewers", "reviewers": [{"type": "Team"}]}],
    "deployment_branch_policy": {"protected_branches": True, "custom_branch_policies": False},
}


@pytest.mark.parametrize(
    ("branch", "environment", "says"),
    (
        (PROTECTED, GUARDED, ""),
        (PROTECTED | {"protected": False}, GUARDED, "the branch main is not protected"),
        (PROTECTED, GUARDED | {"protection_rules": []}, "live has no reviewers"),
        (
            PROTECTED,
            GUARDED | {"protection_rules": [{"type": "required_reviewers", "reviewers": []}]},
            "live has no reviewers",
        ),
        (PROTECTED, GUARDED | {"deployment_branch_policy": None}, "live accepts any branch"),
    ),
)
def test_prod_waits_for_the_rules_that_its_approval_rests_on(
    branch: dict[str, Any],
    environment: dict[str, Any],
    says: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    paths = [tmp_path / "branch.json", tmp_path / "environment.json"]
    for path, answer in zip(paths, (branch, environment), strict=True):
        path.write_text(json.dumps(answer))
    assert branch_protection.main([str(path) for path in paths]) == bool(says)
    assert says in capsys.readouterr().err
