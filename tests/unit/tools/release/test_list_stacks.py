"""The stacks are the files that there are, in the order of their deployment."""

from pathlib import Path

import pytest

from tools.release import list_stacks


@pytest.mark.parametrize(
    ("names", "said"),
    (
        ("prod staging dev", 'all=["dev", "staging", "prod"]\n'),
        ("trial", 'all=["trial"]\n'),
        ("prod", 'all=["prod"]\n'),
    ),
)
def test_a_stack_is_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], names: str, said: str
) -> None:
    for name in names.split():
        (tmp_path / f"Pulumi.{name}.yaml").write_text("config: {}\n")
    assert list_stacks.main(tmp_path) == 0
    assert capsys.readouterr().out == said


def test_none_is_an_error_of_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert list_stacks.main(tmp_path) == 1
    said = capsys.readouterr()
    assert not said.out and said.err.count("\n") == 1 and "create a Pulumi.<stack>.yaml" in said.err
