"""What several test modules share."""

import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

import function.jobs
from components import bundle
from function import queues
from function.job import Changes, Job, Messages, Schedule
from function.messages import Queue
from function.tables import EPOCHS
from local import deploy, ministack, program

ministack.forget_surroundings()


@pytest.fixture(scope="session")
def local() -> Iterator[deploy.LocalStack]:
    """Return the dev stack, up in the emulator."""
    with deploy.up("dev") as stack:
        yield stack


@pytest.fixture(scope="session")
def copied() -> Callable[[Path], Path]:
    """Return what copies the project into a folder, sharing only what is installed."""

    def copy(folder: Path) -> Path:
        bundle.dependencies()
        project = folder / "project"
        shutil.copytree(program.ROOT, project, ignore=shutil.ignore_patterns(".*", "__pycache__"))
        (project / ".build").symlink_to(program.ROOT / ".build")
        return project

    return copy


@pytest.fixture
def project(copied: Callable[[Path], Path], tmp_path: Path) -> Path:
    """Return a copy of the project that shares only what is installed."""
    return copied(tmp_path)


@cache
def declare(stack: str, *, preview: bool = False, **config: str) -> list[program.Resource]:
    """Return what the program declares, with config values on top of the stack's own.

    The same call returns the same list: tests only read it.
    """
    own = {f"{program.project_name()}:{key}": value for key, value in config.items()}
    values = program.stack_config(stack) | own
    return program.declare(stack, preview=preview, config=values)


def one(resources: list[program.Resource], kind: str, name: str = "") -> program.Properties:
    """Return the inputs of the only resource of a type whose name ends so."""
    (found,) = [r.inputs for r in resources if r.kind == kind and r.name.endswith(name)]
    return found


def _unused(_: object) -> None:
    raise AssertionError("these jobs are declared only")


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> dict[str, Job]:
    """Declare a job for each kind of trigger, and the queue of one of them."""
    orders = Queue(name="orders")
    monkeypatch.setattr(queues, "ORDERS", orders, raising=False)
    triggers = {
        "clean_up": Schedule("cron(0 3 * * ? *)", timezone="Europe/Berlin"),
        "follow": Changes(table=EPOCHS.name),
        "ship": Messages(queue=orders.name),
    }
    found = {
        name: Job(trigger=trigger, summary="An example.", handle=_unused, timeout_s=100)
        for name, trigger in triggers.items()
    }
    monkeypatch.setattr(function.jobs, "declared", lambda: found)
    return found
