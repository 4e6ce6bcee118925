"""The tools of `make test-pulumi` and `make test-terraform`, and the messages without them."""

import os
import sys
from pathlib import Path

import pytest

from local.stack_files import ROOT
from tests.conftest import run
from tools.checks import pulumi_cli


def executable(path: Path, script: str) -> None:
    """Make a command of the shell's."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize("works", (True, False))
def test_go_builds_the_cli_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], works: bool
) -> None:
    monkeypatch.setattr(pulumi_cli, "ROOT", tmp_path / "root")
    monkeypatch.setattr("shutil.which", lambda name: name if name == "go" else None)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    executable(
        tmp_path / "go",
        'while [ "$1" != -o ]; do shift; done; ' + ('touch "$2"' if works else "exit 1"),
    )
    if works:
        assert pulumi_cli.cli() == pulumi_cli.cli() == pulumi_cli.at_hand()
    else:
        with pytest.raises(pulumi_cli.Unavailable, match="go cannot build the Pulumi CLI; install"):
            pulumi_cli.cli()
    assert capsys.readouterr().out.count("building the Pulumi CLI") == 1


def test_a_machine_without_cli_and_go_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(pulumi_cli, "ROOT", tmp_path)  # where no CLI has been built
    monkeypatch.delenv("EPOCH_ENGINE", raising=False)
    assert not pulumi_cli.run("test-pulumi", "engine", lambda: (str(pulumi_cli.cli()), {}))
    reason = "neither pulumi nor go is on PATH; install the Pulumi CLI"
    assert capsys.readouterr().out == f"make test-pulumi: skipped: {reason}\n"


@pytest.mark.parametrize("required", (True, False))
def test_a_machine_without_terraform_skips_in_one_line_unless_it_is_required(
    tmp_path: Path, required: bool
) -> None:
    variables = {"EPOCH_ENGINE": "required" if required else "", "PATH": str(tmp_path)}
    ended = run(ROOT, sys.executable, "-m", "tools.checks.terraform_provider", **variables)
    says = "terraform is not on PATH; install it"
    said = f"error: {says}" if required else f"make test-terraform: skipped: {says}"
    assert (ended.returncode, (ended.stdout + ended.stderr).strip()) == (int(required), said)
