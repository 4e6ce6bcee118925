"""`make merge-epoch`: a project takes a newer Epoch and keeps its own service."""

import re
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from local.stack_files import ROOT
from tests.conftest import run
from tools import merge_epoch
from tools.checks import snapshot
from tools.docs import configuration, diagram, reference

OLD = {
    "Pulumi.yaml": "name: epoch\ndescription: Records moments.\nruntime: python\nlicense: MIT\n",
    "README.md": "# Epoch\n",
    "docs/openapi.json": "{}\n",
    "framework.py": "ONE = 1\n\n\n\nTWO = 2\n",
    "function/endpoints/get_epoch.py": "",
    "function/endpoints/post_epoch.py": "OLD = True\n",
    "function/requirements.in": "botocore\n",
    "moved.py": "MOVED = 1\nLONG = 'enough for git to see a rename'\n",
    "tests/service/test_epoch.py": "OLD = True\n",
    "tests/service/test_moved.py": "SEEN = 'a rename by git, as the file stays the same'\n",
    "tests/snapshots/dev.yaml": "old\n",
}
NEW: dict[str, str | None] = {
    "Pulumi.yaml": "name: epoch\ndescription: Stores moments.\nruntime: python\nlicense: new\n",
    "README.md": "# Epoch, newer\n",
    "docs/openapi.json": '{"new": true}\n',
    "framework.py": "ONE = 1\n\n\n\nTWO = 'new'\n",
    "function/endpoints/get_epoch.py": None,
    "function/endpoints/post_epoch.py": "OLD = False\n",
    "function/endpoints/put_epoch.py": "",
    "function/requirements.in": "botocore\nmsgspec\n",
    "moved.py": None,
    "tools/moved.py": OLD["moved.py"],
    "tests/service/test_epoch.py": "OLD = False\n",
    "tests/service/test_moved.py": None,
    "tests/service/test_put.py": "",
    "tests/snapshots/dev.yaml": "new\n",
    "tests/unit/test_moved.py": OLD["tests/service/test_moved.py"],
}
# A team's service, in place of POST /epoch.
TEAM: dict[str, str | None] = {
    "Pulumi.yaml": "name: shop\ndescription: Sells.\nruntime: python\nlicense: MIT\n",
    "Pulumi.trial.yaml": "config: {}\n",
    "README.md": "# Shop\n",
    "docs/openapi.json": '{"shop": true}\n',
    "function/endpoints/get_epoch.py": None,
    "function/endpoints/get_thing.py": "THING = True\n",
    "function/endpoints/post_epoch.py": None,
    "function/requirements.in": "botocore\nstripe\n",
    "tests/service/test_epoch.py": None,
    "tests/service/test_moved.py": None,
    "tests/service/test_thing.py": "",
    "tests/snapshots/dev.yaml": None,
    "tests/snapshots/trial.yaml": "shop\n",
}


def _run(folder: Path, *command: str, fails: bool = False) -> str:
    ran = run(folder, *command)
    assert bool(ran.returncode) == fails, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def _repository(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    _run(folder, "git", "init", "-q", "-b", "main")
    for key, value in {"name": "A", "email": "a@example.com"}.items():
        _run(folder, "git", "config", f"user.{key}", value)
    (folder / ".git" / "info" / "exclude").write_text(".build\n.venv*\n__pycache__\n")
    return folder


def _commit(folder: Path, message: str, files: dict[str, str | None] | None = None) -> None:
    for name, text in (files or {}).items():
        file = folder / name
        if text is None:
            file.unlink()
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    _run(folder, "git", "add", "-A")
    _run(folder, "git", "commit", "-q", "-m", message)


def _cloned(epoch: Path, project: Path) -> None:
    _run(epoch.parent, "git", "clone", "-q", "--no-tags", "--origin", "epoch", epoch, project)
    _repository(project)


def _copied(epoch: Path, project: Path) -> None:
    """Copy without history, as `pulumi new` does."""
    shutil.copytree(epoch, project, ignore=shutil.ignore_patterns(".git"), symlinks=True)
    _commit(_repository(project), "Initial commit")
    _run(project, "git", "remote", "add", "--no-tags", "epoch", str(epoch))


STARTS = pytest.mark.parametrize("start", [_cloned, _copied], ids=["cloned", "copied"])


def _files(folder: Path) -> dict[str, str]:
    names = _run(folder, "git", "ls-files").splitlines()
    files = {name: folder / name for name in names if not (folder / name).is_dir()}
    return {name: file.read_text(errors="replace") for name, file in files.items()}


@pytest.fixture
def epoch(tmp_path: Path) -> Path:
    """Return a small repository of Epoch with the tag v1.0.0."""
    folder = _repository(tmp_path / "epoch")
    shutil.copy(ROOT / ".gitattributes", folder)
    _commit(folder, "feat: begin", {"begin.py": ""})
    _commit(folder, "feat: the first version", {**OLD})
    _run(folder, "git", "tag", "v1.0.0")
    return folder


def _release(epoch: Path) -> None:
    _commit(epoch, "feat: a newer version", NEW)
    _run(epoch, "git", "tag", "v1.10.0")


def _merge(project: Path, *version: str, fails: bool = False) -> str:
    script = str(ROOT / "tools" / "merge_epoch.py")
    return _run(project, sys.executable, script, *version, fails=fails)


@STARTS
def test_a_project_takes_the_newest_version_and_keeps_its_own_files(
    epoch: Path, tmp_path: Path, start: Callable[[Path, Path], None]
) -> None:
    project = tmp_path / "project"
    start(epoch, project)
    _commit(project, "feat: our service", TEAM)
    _run(epoch, "git", "tag", "v1.9.0")
    _release(epoch)
    assert "Merged Epoch v1.10.0" in _merge(project)
    files = _files(project)
    changed = {name: text for name, text in {**OLD, **NEW}.items() if text is not None}
    framework = {name: text for name, text in changed.items() if name not in TEAM}
    framework = {name: text for name, text in framework.items() if not merge_epoch.is_own(name)}
    assert {"framework.py", "tools/moved.py", "tests/unit/test_moved.py"} <= framework.keys()
    assert files.items() >= framework.items()
    own = {name: text for name, text in TEAM.items() if merge_epoch.is_own(name)}
    assert {name for name in files if merge_epoch.is_own(name)} == {n for n in own if own[n]} | {
        "tests/service/test_thing.py"
    }
    assert files.items() >= {name: text for name, text in own.items() if text}.items()
    assert files["function/requirements.in"].split() == ["botocore", "stripe", "msgspec"]
    assert files["Pulumi.yaml"] == TEAM["Pulumi.yaml"].replace("MIT", "new")  # type: ignore
    assert files["docs/openapi.json"] == TEAM["docs/openapi.json"]
    _commit(project, "chore: take Epoch v1.10.0")
    assert "has Epoch v1.10.0 already" in _merge(project)
    _commit(epoch, "fix: more", {"framework.py": "ONE = 'newer'\n\n\n\nTWO = 'new'\n"})
    assert "Merged Epoch main" in _merge(project, "main")
    assert _run(project, "git", "status", "--porcelain") == "M  framework.py\n"


@STARTS
def test_lines_of_the_framework_that_both_changed_are_a_named_conflict(
    epoch: Path, tmp_path: Path, start: Callable[[Path, Path], None]
) -> None:
    project = tmp_path / "project"
    start(epoch, project)
    _commit(project, "fix: ours", {**TEAM, "framework.py": "ONE = 1\n\n\n\nTWO = 'ours'\n"})
    _release(epoch)
    assert "changed the same lines of framework.py;" in _merge(project, fails=True)
    assert "your working tree has changes" in _merge(project, fails=True)


def test_each_wrong_call_is_one_line(epoch: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    _copied(epoch, project)
    assert "no tag or branch v9" in _merge(project, "v9", fails=True)
    _run(project, "git", "remote", "remove", "epoch")
    said = _merge(project, fails=True)
    assert "git remote add --no-tags epoch" in said and said.count("\n") == 1
    stranger = _repository(tmp_path / "stranger")
    _commit(stranger, "Something else", {"a.py": "", "b.py": "1\n", "c.py": "2\n"})
    _run(stranger, "git", "remote", "add", "epoch", str(epoch))
    assert "resembles no commit of Epoch" in _merge(stranger, fails=True)


def test_the_guide_names_every_file_of_a_team() -> None:
    guide = (ROOT / "docs" / "upgrading.md").read_text(encoding="utf-8")
    for pattern in merge_epoch.OWN:
        assert f"`{pattern}`" in guide or f"`{pattern.removesuffix('*')}`" in guide, pattern


_WRITTEN = (snapshot.PATH, configuration.PAGE, reference.PAGE, diagram.FILE)
GENERATED = (
    *("docs/openapi.json", "function/requirements.txt", "tests/snapshots/dev.yaml"),
    *(str(path.relative_to(ROOT)) for path in _WRITTEN),
)


def test_two_branches_that_each_write_a_generated_file_merge(epoch: Path) -> None:
    for driver in re.findall(r"^\t@(git config .*?) 2>", (ROOT / "Makefile").read_text(), re.M):
        _run(epoch, *shlex.split(driver))
    for name in ("left", "right"):
        _run(epoch, "git", "checkout", "-q", "-b", name, "main")
        added = {f"function/endpoints/get_{name}.py": "", "function/requirements.in": f"{name}\n"}
        _commit(epoch, f"feat: add {name}", {**added, **dict.fromkeys(GENERATED, name)})
    _run(epoch, "git", "merge", "-q", "--no-edit", "left")
    files = _files(epoch)
    assert all(files[name] == "right" for name in GENERATED)
    assert {"function/endpoints/get_left.py", "function/endpoints/get_right.py"} <= files.keys()
    assert sorted(files["function/requirements.in"].split()) == ["left", "right"]
