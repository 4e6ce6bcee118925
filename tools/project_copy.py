"""Copies the project, for tests that change it."""

import shutil
from pathlib import Path

from components.packaging.project_bundle import project_bundle
from local import stack_files


def copy_of_project(target: Path) -> Path:
    """Copy the project with its bytecode to `target`, sharing only the installed packages."""
    project_bundle().dependencies()
    ignored = (stack_files.ROOT / ".gitignore").read_text(encoding="utf-8").split()
    # The last one is bytecode that another process is writing.
    patterns = [pattern.strip("/") for pattern in (*ignored, ".git", "*.pyc.*")]
    patterns.remove("__pycache__")
    shutil.copytree(stack_files.ROOT, target, ignore=shutil.ignore_patterns(*patterns))
    for shared in (".build", *(path.name for path in stack_files.ROOT.glob(".venv*"))):
        (target / shared).symlink_to(stack_files.ROOT / shared)
    return target
