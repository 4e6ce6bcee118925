"""The commands that measure POST /epoch say in one line that another service is not measured."""

import pytest

from tests.fixtures import notes
from tools import post_epoch
from tools.bench import __main__ as bench
from tools.bench import system
from tools.reliability import __main__ as reliability


@pytest.fixture(autouse=True)
def replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Declare another service."""
    monkeypatch.setattr(post_epoch, "load_endpoints", lambda: (notes.ENDPOINT,))


def test_the_reliability_run_says_that_it_does_not_apply(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert reliability.main() == 0
    said = capsys.readouterr().out
    assert said.startswith("Not run: tools/reliability tests POST /epoch") and said.count("\n") == 1


def test_the_benchmark_measures_the_program_and_the_local_run_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(system, "measure", lambda: {})
    monkeypatch.setattr(system, "table", lambda found: ["figures"])
    assert not bench.main()
    head, figures = capsys.readouterr().out.splitlines()
    assert "do what POST /epoch does" in head and figures == "figures"
