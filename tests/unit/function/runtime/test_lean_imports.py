"""Modules and patterns that wait for their first use, and stand-ins for modules."""

import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

import pytest

from function.runtime.lean_imports import lazy_modules, lazy_patterns

HEXTET = "(?:[0-9A-Fa-f]{1,4}:)"
ADDRESS = f"(?:{HEXTET}{{6}}[0-9a-f:]+|::1)"


@pytest.fixture(name="name")
def _name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Put a slow module on the path, which counts its runs, and fails while `broken` is true."""
    text = (
        "import sys, time\nsys.slow_runs += 1\ntime.sleep(0.1)\nassert not sys.broken\nvalue = 1\n"
    )
    tmp_path.joinpath("slow_module.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "slow_runs", 0, raising=False)
    monkeypatch.setattr(sys, "broken", False, raising=False)
    yield "slow_module"
    sys.modules.pop("slow_module", None)


def test_a_lazy_module_runs_once_when_an_attribute_is_read(name: str) -> None:
    with lazy_modules({name}):
        lazy = import_module(name)
        assert import_module(name) is lazy
    assert vars(sys)["slow_runs"] == 0
    with ThreadPoolExecutor(4) as threads:
        assert [*threads.map(lambda _: lazy.value, range(4))] == [1] * 4
    assert vars(sys)["slow_runs"] == 1
    with pytest.raises(AttributeError, match="slow_module.*other"):
        lazy.other  # noqa: B018


def test_all_other_imports_find_the_module_itself(name: str) -> None:
    with lazy_modules({name}):
        lazy = import_module(name)
    module = import_module(name)
    assert module is not lazy and vars(sys)["slow_runs"] == 1
    vars(module)["value"] = 2
    assert lazy.value == 2 and module.__loader__ is module.__spec__.loader


def test_a_lazy_module_that_fails_runs_again(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with lazy_modules({name}):
        lazy = import_module(name)
        with monkeypatch.context() as patched:
            patched.setattr(sys, "broken", True)
            with pytest.raises(AssertionError):
                lazy.value  # noqa: B018
        assert lazy.value == 1 and import_module(name) is not lazy


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    (
        (f"^{ADDRESS}$", "::1", True),
        (f"^{ADDRESS}$", "127.0.0.1", False),
        (rf"^\[{ADDRESS}\]$", "[1:2:3:4:5:6:7:8]", True),
        (rf"^\[{ADDRESS}\]$", "a.example", False),
        (f"^(host|{ADDRESS})$", "host", True),
        (b"^a", b"ab", True),
    ),
)
def test_a_lazy_pattern_matches_as_the_compiled_one(pattern: str, text: str, matches: bool) -> None:
    with lazy_patterns():
        lazy = re.compile(pattern)
    assert vars(lazy).keys() == {"_source"}
    for _ in range(2):
        assert bool(lazy.match(text)) == bool(re.compile(pattern).match(text)) == matches
