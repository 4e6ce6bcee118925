"""The program under the real engine. Run by `make engine`."""

import os
from collections.abc import Iterator

import pytest

from tests.real import stand_in
from tests.real.cli import Stack, copy_of_project


@pytest.fixture(name="environment", scope="module")
def _environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Return what the CLI needs: a state in a folder, and the provider."""
    folder = tmp_path_factory.mktemp("pulumi")
    state = folder / "state"
    state.mkdir()
    values = {
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE": "a passphrase",  # pragma: allowlist secret
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_HOME": str(folder / "home"),
        "PATH": os.environ["PATH"],
    }
    stand_in.install(folder / "plugin")
    values["PATH"] = f"{folder / 'plugin'}{os.pathsep}{values['PATH']}"
    yield values


@pytest.fixture(name="stack", scope="module", params=("dev", "prod"))
def _stack(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    environment: dict[str, str],
) -> Iterator[Stack]:
    folder = copy_of_project(tmp_path_factory.mktemp(request.param) / "project")
    yield Stack(folder, request.param, environment)


def test_a_preview_with_unknowns_promises_what_up_then_makes(stack: Stack) -> None:
    preview = stack.preview()
    up = stack.up()
    print(len(preview.changes), len(up.changes), preview.seconds, up.seconds)
    assert {step[0] for step in up.changes} == {"create"}
    assert sorted(preview.changes) == sorted(up.changes)


def test_a_second_up_changes_nothing(stack: Stack) -> None:
    again = stack.up()
    print(again.seconds)
    assert not again.changes


def test_a_protected_stack_survives_destroy_and_goes_once_it_is_unprotected(stack: Stack) -> None:
    before = stack.state()
    if "true" in str(stack.config.get("epoch:protect_data")).lower():
        refused = stack.destroy(fails=True)
        assert "cannot be deleted" in "".join(refused.printed)
        assert not [step for step in refused.ended if step[0] == "delete"]
        assert stack.state() == before
        assert not stack.up().changes
        stack.set("epoch:protect_data", "false")
        assert {step[0] for step in stack.up().changes} == {"update"}
    gone = {step[1:] for step in stack.destroy().changes}
    assert len(gone) == len([entry for entry in before if entry["type"].startswith("aws:")])
    assert not stack.state()
