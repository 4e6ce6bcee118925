"""Pulumi.yaml and the stacks' files: read as the CLI reads them, and nothing in them lost."""

from pathlib import Path

import pytest

import function.settings
from function.declare.setting import Setting
from local import stack_files
from local.stack_files import Secret, StackFileError


def _write(folder: Path, stack: str, project: str = "", secrets: str = "") -> None:
    (folder / "Pulumi.yaml").write_text(f"name: shop\n{project}")
    (folder / "Pulumi.some.yaml").write_text(f"config:\n{stack}")
    if secrets:
        (folder / "secrets.some.yaml").write_text(secrets)


def test_a_key_without_a_namespace_is_the_projects_and_goes_before_what_all_stacks_share(
    tmp_path: Path,
) -> None:
    shared = (
        "config:\n  owner: all\n  timeout_s: {type: integer, default: 9}\n"
        "  aws:region: {value: eu-west-1}\n  memory_mb: {type: integer}\n"
    )
    _write(tmp_path, "  owner: mine\n  shop:log_retention_days: 7\n", shared)
    assert stack_files.stack_config("some", tmp_path) == {
        "shop:owner": "mine",
        "shop:timeout_s": "9",
        "aws:region": "eu-west-1",
        "shop:log_retention_days": "7",
    }


@pytest.mark.parametrize(
    ("stack", "says"),
    (
        ("  owner: [a\n", "Pulumi.some.yaml is not valid: .*while parsing"),
        (
            "  - owner\n",
            r"Pulumi.some.yaml is not valid: Expected `object`, got `array` - at `\$.config`",
        ),
    ),
)
def test_a_file_that_the_cli_rejects_is_an_error(tmp_path: Path, stack: str, says: str) -> None:
    _write(tmp_path, stack)
    with pytest.raises(StackFileError, match=says):
        stack_files.stack_config("some", tmp_path)


def test_a_stack_without_a_file_is_an_error_that_names_those_there_are(tmp_path: Path) -> None:
    _write(tmp_path, "  owner: a\n")
    with pytest.raises(StackFileError, match="stack other does not exist, only some"):
        stack_files.stack_config("other", tmp_path)


def test_a_secret_comes_from_a_file_that_git_ignores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = "  token: {secure: v1:sealed}\n"
    _write(tmp_path, sealed)
    assert isinstance(stack_files.local_config("some", tmp_path)["shop:token"], Secret)
    monkeypatch.delenv("EPOCH_SECRETS")
    with pytest.raises(
        StackFileError, match=r"shop:token is encrypted .* secrets.some.yaml, which"
    ):
        stack_files.local_config("some", tmp_path)
    assert isinstance(stack_files.stack_config("some", tmp_path)["shop:token"], Secret)
    _write(tmp_path, sealed, secrets="token: open\n")  # pragma: allowlist secret
    given = stack_files.local_config("some", tmp_path)["shop:token"]
    assert given == "open" and isinstance(given, Secret)
    assert "/secrets.*.yaml" in (stack_files.ROOT / ".gitignore").read_text().splitlines()


def test_a_stand_in_replaces_a_declared_secret_that_one_stack_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = Setting("token", str, description="A token.", secret=True)
    monkeypatch.setattr(function.settings, "TOKEN", token, raising=False)
    _write(tmp_path, "  owner: a\n")
    given = stack_files.local_config("some", tmp_path)["shop:token"]
    assert isinstance(given, Secret)
    # A deployment of this stack would fail, so the tests of the program still do.
    assert "shop:token" not in stack_files.stack_config("some", tmp_path)
    monkeypatch.delenv("EPOCH_SECRETS")
    assert "shop:token" not in stack_files.local_config("some", tmp_path)
