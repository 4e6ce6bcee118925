"""The stacks of pull requests: their config, and the commands of the Pulumi CLI."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.stack_config import StackConfig, StackKeys
from function.declare import registry
from function.declare.setting import Setting
from local import stack_files
from local.stack_files import Secret
from tests.conftest import PROJECT, STACK, keys
from tools.release import pipeline_io, pull_request_stack

BOUNDARY = "arn:aws:iam::111122223333:policy/x"


class Cli:
    """A Pulumi CLI with stacks and their days of removal, which records its commands."""

    def __init__(self, **days: str) -> None:
        self.days = {f"pr-{name.strip('_')}": day for name, day in days.items()}
        self.commands: list[str] = []
        self.fails = ""

    def __call__(self, *words: str, capture: bool = False) -> str:
        command = " ".join(words)
        if command == self.fails:
            raise pipeline_io.CommandError(f"{command} failed")
        if words[:2] == ("stack", "ls"):
            return json.dumps([{"name": name} for name in self.days])
        if words[:3] == ("stack", "tag", "get"):
            return f"{self.days[words[-1]]}\n"
        assert not capture
        self.commands.append(command)
        return ""


@pytest.fixture(name="cli")
def _cli(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    cli = Cli(_1="2020-01-31", _2="2999-12-31")
    monkeypatch.setattr(pull_request_stack, "pulumi", cli)
    (tmp_path / "Pulumi.yaml").write_text(f"name: {PROJECT}\n")
    monkeypatch.setattr(stack_files, "ROOT", tmp_path)
    return cli


def _given(monkeypatch: pytest.MonkeyPatch, **more: Any) -> None:
    """Let the default stack have every key, a setting and a secret."""
    settings = {
        "colour": Setting("colour", str, description="A colour."),
        "token": Setting("token", str, description="A token.", secret=True),
    }
    monkeypatch.setattr(registry, "load_settings", lambda: settings)
    monkeypatch.setattr(pull_request_stack, "load_settings", lambda: settings)
    config = {name: "some" for name in StackKeys.__struct_fields__}
    own = keys(**{**config, "colour": "red", "token": Secret("sealed"), **more})
    monkeypatch.setattr(stack_files, "default_stack", lambda: STACK)
    monkeypatch.setattr(stack_files, "stack_config", lambda _: {"aws:region": "eu-west-1", **own})


def test_a_pull_request_has_the_settings_of_the_default_stack_and_no_domain_or_protection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _given(monkeypatch)
    config = pull_request_stack.config(BOUNDARY)
    own = keys(
        **dict.fromkeys(pull_request_stack.KEYS, "some"),
        colour="red",
        permissions_boundary=BOUNDARY,
    )
    assert config == {"aws:region": "eu-west-1", **own}


@pytest.mark.conformance
def test_the_config_of_this_service_is_valid() -> None:
    settings = registry.load_settings()
    secrets = {f"{PROJECT}:{name}": "x" for name, one in settings.items() if one.secret}
    config = StackConfig.from_pulumi(
        pull_request_stack.config(BOUNDARY) | secrets, PROJECT, "pr-1", secrets
    )
    assert not config.protect_data and not config.backup_days and not config.domain_name


def test_a_stack_comes_up_with_placeholders_as_secrets_and_with_a_day_of_removal(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _given(monkeypatch)
    assert pull_request_stack.main(["up", "7", BOUNDARY]) == 0
    written = yaml.safe_load((tmp_path / "Pulumi.pr-7.yaml").read_text())
    assert written == {"config": pull_request_stack.config(BOUNDARY)}
    select, tag, placeholder, up = cli.commands
    assert select == "stack select pr-7 --create"
    assert tag.startswith("stack tag set expires 2") and tag.endswith("--stack pr-7")
    assert (
        placeholder == "config set --secret token placeholder --stack pr-7"
    )  # pragma: allowlist secret
    assert up == "up --yes --stack pr-7"


def test_a_closed_pull_request_loses_its_stack(
    cli: Cli, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pull_request_stack.main(["down", "2"]) == 0
    assert cli.commands == ["destroy --yes --remove --stack pr-2"]
    assert pull_request_stack.main(["down", "3"]) == 0
    assert len(cli.commands) == 1
    assert "pr-3 does not exist" in capsys.readouterr().out


def test_only_expired_stacks_go_at_night(cli: Cli) -> None:
    assert pull_request_stack.main(["expired"]) == 0
    assert cli.commands == ["destroy --yes --remove --stack pr-1"]


def test_a_stack_that_cannot_be_removed_does_not_keep_the_others(
    cli: Cli, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.days = {"pr-1": "2020-01-31", "pr-2": "2020-01-31"}
    cli.fails = "destroy --yes --remove --stack pr-1"
    assert pull_request_stack.main(["expired"]) == 1
    assert cli.commands == ["destroy --yes --remove --stack pr-2"]
    assert "pr-1 is not removed" in capsys.readouterr().err
