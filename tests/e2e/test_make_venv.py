"""How `make` makes an environment: whole or anew, one at a time, and how it fails."""

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from local.stack_files import ROOT
from tests.conftest import output, run
from tests.fixtures import wheels

# Stands for uv: notes its arguments, and takes its time.
_UV = '#!/bin/sh\necho "$@" >> "$PWD/asked"\nsleep ${TAKES_S:-0.3}\n'

# A limit for a busy machine; a step that works ends earlier.
_PATIENCE_S = 300


@pytest.fixture(autouse=True)
def _outermost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each make be the first, as a person's is; within another it says where it is."""
    for name in ("MAKELEVEL", "MAKEFLAGS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a fresh checkout whose lock has nothing but a stand-in for uv."""
    for name in ("Makefile", "tools/make_venv.py", "components/packaging/pip_settings.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    uv = wheels.write(tmp_path, "uv", {"uv-1.data/scripts/uv": _UV})
    (tmp_path / "requirements-dev.txt").write_text(f"a==1 \\\n    --hash=sha256:0\n{uv}")
    return tmp_path


def _make(checkout: Path, **environment: str) -> subprocess.Popen[str]:
    index = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(checkout)}
    return subprocess.Popen(
        ["make", "--silent", ".venv/.ready"],
        cwd=checkout,
        env={**os.environ, **index, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _installed(checkout: Path) -> bool:
    python = checkout / ".venv" / "bin" / "python"
    return run(checkout, python, "-m", "pip", "--version").returncode == 0


def test_two_at_once_make_one(checkout: Path) -> None:
    both = [_make(checkout), _make(checkout)]
    for process in both:
        out, err = process.communicate(timeout=_PATIENCE_S)
        assert process.returncode == 0, out + err
    assert (checkout / ".venv" / ".ready").exists() and _installed(checkout)
    (asked,) = (checkout / "asked").read_text().splitlines()
    assert asked.endswith("--require-hashes requirements-dev.txt")


def test_what_an_interrupt_leaves_is_made_anew(checkout: Path) -> None:
    process, lock = _make(checkout), checkout / ".venv.lock"
    while not lock.exists():  # before that, Python itself tells of an interrupt
        assert process.poll() is None
        time.sleep(0.02)
    time.sleep(random.uniform(0, 2))
    os.killpg(process.pid, random.choice((signal.SIGINT, signal.SIGKILL)))
    _, err = process.communicate(timeout=_PATIENCE_S)
    assert "Traceback" not in err
    assert _make(checkout).wait(_PATIENCE_S) == 0 and _installed(checkout)
    changed = checkout / "requirements-dev.txt"
    os.utime(changed, (time.time() + 5, time.time() + 5))
    (checkout / "asked").unlink()
    process = _make(checkout, TAKES_S=str(_PATIENCE_S))
    while not (checkout / "asked").exists() and process.poll() is None:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (checkout / ".venv" / ".ready").exists()


def test_no_network_is_one_line_with_the_way_out_and_without_password(checkout: Path) -> None:
    (checkout / "uv-1-py3-none-any.whl").unlink()
    away = "http://someone:secret@127.0.0.1:9/simple"
    process = _make(checkout, PIP_NO_INDEX="0", PIP_INDEX_URL=away)
    _, err = process.communicate(timeout=_PATIENCE_S)
    said = [line for line in err.splitlines() if not line.startswith("make: ")]
    assert process.returncode and not (checkout / ".venv" / ".ready").exists()
    assert len(said) == 1 and said[0].startswith("error: cannot install uv into .venv: ")
    assert "Connection refused" in said[0] and "check the network" in said[0]
    assert "PIP_INDEX_URL for a mirror" in err and "PIP_CERT" in err and "PIP_PROXY" in err
    assert "secret" not in err and "someone" not in err


def test_what_leads_python_elsewhere_is_not_handed_on(checkout: Path) -> None:
    names = ("PYTHONHOME", "PYTHONPATH", "PYTHONSAFEPATH", "PYTHONWARNINGS")
    led_away = dict.fromkeys(names, "error")
    said = output(checkout, "make", "--eval", "ask:;@env", "ask", **led_away)
    assert not [name for name in names if f"{name}=" in said]


def test_uvs_cache_is_in_the_project_where_the_home_cannot_be_written(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("UV_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for home, cache in (("/dev/null", f"{checkout}/.build/uv"), (str(checkout), "")):
        ask = ("--eval", "ask:;@echo $(UV_CACHE_DIR)", "ask")
        assert output(checkout, "make", *ask, HOME=home).strip() == cache
