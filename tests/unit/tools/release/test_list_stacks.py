"""The stages are the files that there are, and a commit reaches them in a safe order."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.stack_files import ROOT
from tools.release import list_stacks

JOBS = yaml.safe_load((ROOT / ".github/workflows/main.yml").read_text(encoding="utf-8"))["jobs"]


@pytest.mark.parametrize(
    ("names", "said"),
    (
        (
            "prod staging dev",
            'all=["dev", "staging", "prod"]\nbefore=["dev", "staging"]\nlast=prod\n',
        ),
        ("trial", 'all=["trial"]\nbefore=["trial"]\nlast=\n'),
        ("prod", 'all=["prod"]\nbefore=[]\nlast=prod\n'),
    ),
)
def test_a_stage_is_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], names: str, said: str
) -> None:
    for name in names.split():
        (tmp_path / f"Pulumi.{name}.yaml").write_text("config: {}\n")
    assert list_stacks.main(tmp_path) == 0
    assert capsys.readouterr().out == said


def test_none_is_an_error_of_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert list_stacks.main(tmp_path) == 1
    said = capsys.readouterr()
    assert not said.out and said.err.count("\n") == 1 and "create a Pulumi.<stack>.yaml" in said.err


def _needs(job: dict[str, Any]) -> list[str]:
    needs = job.get("needs", [])
    return [needs] if isinstance(needs, str) else needs


def _up_the_chain(name: str) -> set[str]:
    needs = _needs(JOBS[name])
    return {*needs, *(above for need in needs for above in _up_the_chain(need))}


def _holds(condition: str, results: dict[str, str], outputs: dict[str, str]) -> bool:
    """Evaluate a job's condition as GitHub does, as far as those of this workflow go."""
    read = re.sub(r"needs\.(\w+)\.result", r'results["\1"]', condition.strip("${} "))
    read = re.sub(r"needs\.stacks\.outputs\.(\w+)", r'outputs.get("\1", "")', read)
    for theirs, ours in (("!cancelled()", "True"), ("&&", "and"), ("||", "or")):
        read = read.replace(theirs, ours)
    return bool(eval(read, {"results": results, "outputs": outputs}))


def _run(listed: dict[str, str], ends: dict[str, str]) -> dict[str, str]:
    """Return the result of each job; those in `ends` do not succeed."""
    results: dict[str, str] = {}
    for name, job in JOBS.items():
        condition = job.get("if", "True")
        outputs = listed if results.get("stacks") == "success" else {}
        chain = {results[above] for above in _up_the_chain(name)} <= {"success"}
        if (chain or "cancelled()" in condition) and _holds(condition, results, outputs):
            if "strategy" in job:
                assert json.loads(outputs["before"]), "GitHub refuses a matrix of nothing"
            results[name] = ends.get(name, "success")
        else:
            results[name] = "skipped"
    return results


@pytest.mark.parametrize(
    ("names", "ends", "deploy"),
    (
        ("dev staging prod", {}, "before last"),
        ("dev prod", {}, "before last"),
        ("trial", {}, "before"),
        ("prod", {}, "last"),
        ("dev prod", {"before": "failure"}, ""),
        ("dev prod", {"before": "cancelled"}, ""),
        ("dev prod", {"preview": "failure"}, "before"),
        ("prod", {"preview": "failure"}, ""),
        ("prod", {"check": "failure"}, ""),
        ("prod", {"stacks": "failure"}, ""),
    ),
)
def test_a_commit_reaches_each_stage_after_those_before_it_and_the_preview(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    names: str,
    ends: dict[str, str],
    deploy: str,
) -> None:
    for name in names.split():
        (tmp_path / f"Pulumi.{name}.yaml").write_text("config: {}\n")
    list_stacks.main(tmp_path)
    listed = dict(line.split("=", 1) for line in capsys.readouterr().out.splitlines())
    results = _run(listed, ends)
    deploys = [name for name, job in JOBS.items() if "deploy.yml" in job.get("uses", "")]
    assert [name for name in deploys if results[name] == "success"] == deploy.split()
