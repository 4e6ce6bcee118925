"""The stages are the files that there are, and a commit reaches them in a safe order."""

from pathlib import Path

import pytest

from tools import stages


@pytest.mark.parametrize(
    ("names", "said"),
    (
        (
            "prod staging dev",
            'all=["dev", "staging", "prod"]\nbefore=["dev", "staging"]\nlast=prod\n',
        ),
        ("trial", 'all=["trial"]\nbefore=["trial"]\nlast=\n'),
    ),
)
def test_a_stage_is_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], names: str, said: str
) -> None:
    for name in names.split():
        (tmp_path / f"Pulumi.{name}.yaml").write_text("config: {}\n")
    assert stages.main(tmp_path) == 0
    assert capsys.readouterr().out == said


def test_none_is_an_error_of_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert stages.main(tmp_path) == 1
    said = capsys.readouterr()
    assert not said.out and said.err.count("\n") == 1 and "write a Pulumi.<stack>.yaml" in said.err
