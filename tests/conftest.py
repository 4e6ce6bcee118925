"""What several test modules share."""

import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from components import bundle
from local import deploy, program


@pytest.fixture(scope="session")
def local() -> Iterator[deploy.LocalStack]:
    """Return the dev stack, up in the emulator, with its documentation published."""
    with deploy.up("dev", config={"epoch:publish_documentation": "true"}) as stack:
        yield stack


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a copy of the project that shares only what is installed."""
    bundle.dependencies()
    copy = tmp_path / "project"
    shutil.copytree(program.ROOT, copy, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    (copy / ".build").symlink_to(program.ROOT / ".build")
    return copy


@cache
def declare(stack: str, *, preview: bool = False, **config: str) -> list[program.Resource]:
    """Return what the program declares, with config values on top of the stack's own.

    The same call returns the same list: tests only read it.
    """
    own = {f"{program.project_name()}:{key}": value for key, value in config.items()}
    values = program.stack_config(stack) | own
    return program.declare(stack, preview=preview, config=values)


def one(resources: list[program.Resource], kind: str) -> program.Properties:
    """Return the inputs of the only resource of a type."""
    (found,) = [resource.inputs for resource in resources if resource.kind == kind]
    return found
