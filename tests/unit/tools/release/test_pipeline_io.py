"""Errors of the release tools' input files."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tools.release import rollback, smoke


@pytest.mark.parametrize("run", (smoke.main, lambda paths: rollback.main(["show", *paths])))
@pytest.mark.parametrize(
    ("content", "says"),
    (
        (None, "No such file"),
        ("{", "is not a stack's outputs"),
        ("[]", "is not a stack's outputs"),
        ('{"api_url": "x", "default_api_key": "[secret]"}', "written with --show-secrets?"),
    ),
)
def test_bad_outputs_are_one_clear_message(
    run: Callable[[list[str]], int],
    content: str | None,
    says: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "outputs.json"
    if content is not None:
        path.write_text(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        assert run([str(path)]) == 1
    said = capsys.readouterr()
    assert says in said.err and said.err.startswith("error: ") and said.err.count("\n") == 1
