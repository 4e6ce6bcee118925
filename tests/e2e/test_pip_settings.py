"""The settings of pip's own files and variables, as pip itself reads them."""

import os
import sys
from pathlib import Path

import pytest

from components.packaging.pip_settings import pip_environment, settings


@pytest.fixture(name="home", autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty home folder, with the only settings of pip."""
    for name in list(os.environ):
        if name.startswith(("PIP_", "XDG_")) or name.endswith("_BUNDLE"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "xdg"))
    return tmp_path


def _settings() -> dict[str, str]:
    """Return the settings but for the certificate, which the machine may configure."""
    return {name: text for name, text in settings(sys.executable).items() if name != "cert"}


def test_a_file_of_pip_and_then_a_variable_set_the_network(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home / ".config/pip/pip.conf"
    file.parent.mkdir(parents=True)
    file.write_text(
        "[install]\nindex_url = https://install\nuser = true\ntarget = /x\n"
        "[global]\nindex-url = https://global\nextra-index-url =\n  https://a\n  https://b\n"
    )
    extra = {"extra-index-url": "\nhttps://a\nhttps://b"}
    assert _settings() == {"index-url": "https://install", **extra}
    monkeypatch.setenv("PIP_INDEX_URL", "https://variable")
    monkeypatch.setenv("PIP_PROXY", "")
    assert _settings() == {"index-url": "https://variable", **extra}


@pytest.mark.parametrize("name", ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"))
def test_a_certificate_that_pip_finds_by_its_http_client_is_a_setting(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv(name, "/ca.pem")
    assert settings(sys.executable) == {"cert": "/ca.pem"}


def test_the_installers_pip_has_no_other_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    for name in ("PIP_USER", "PIP_REQUIRE_VIRTUALENV", "PIP_TARGET", "PIP_INDEX_URL"):
        monkeypatch.setenv(name, "1")
    environment = pip_environment(sys.executable)
    own = {name: value for name, value in environment.items() if name.startswith("PIP_")}
    assert own == {
        **{"PIP_INDEX_URL": "1", "PIP_RETRIES": "2"},
        **{"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    }


def test_settings_that_pip_cannot_read_are_none(home: Path) -> None:
    (home / ".config/pip").mkdir(parents=True)
    (home / ".config/pip/pip.conf").write_text("no section\n")
    assert not settings(sys.executable)
