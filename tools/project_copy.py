"""A copy of the project, for whoever changes it to see what comes of that."""

import shutil
from pathlib import Path

from components.packaging.project_bundle import project_bundle
from local import program


def copy_of_project(target: Path) -> Path:
    """Copy the project to `target`, sharing only what is installed."""
    project_bundle().dependencies()
    ignored = (program.ROOT / ".gitignore").read_text(encoding="utf-8").split()
    patterns = (pattern.strip("/") for pattern in (*ignored, ".git"))
    shutil.copytree(program.ROOT, target, ignore=shutil.ignore_patterns(*patterns))
    for shared in (".build", *(path.name for path in program.ROOT.glob(".venv*"))):
        (target / shared).symlink_to(program.ROOT / shared)
    return target
