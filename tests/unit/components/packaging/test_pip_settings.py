"""pip's network settings reach uv as pip itself would use them; its other settings do not."""

import os
from pathlib import Path

import pytest

from components.packaging.pip_settings import (
    pip_environment,
    settings,
    uv_environment,
    without_credentials,
)


@pytest.fixture(name="home", autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty home folder, with the only settings of pip and uv."""
    for name in list(os.environ):
        if name.startswith(("PIP_", "UV_", "SSL_", "XDG_")) or name.endswith(("_BUNDLE", "_PROXY")):
            monkeypatch.delenv(name)
    for name, folder in (("HOME", "home"), ("XDG_CONFIG_DIRS", "xdg")):
        monkeypatch.setenv(name, str(tmp_path / folder))
    monkeypatch.setattr("sys.prefix", str(tmp_path / "prefix"))
    monkeypatch.setattr("components.packaging.pip_settings._ETC", tmp_path / "etc")
    return tmp_path / "home"


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def _added() -> dict[str, str]:
    """Return the variables that uv gets beside this process's."""
    return {name: value for name, value in uv_environment().items() if name not in os.environ}


OPTIONS = {
    "index-url = https://a.example/simple": {"UV_DEFAULT_INDEX": "https://a.example/simple"},
    "extra-index-url =\n  https://a.example\n  https://b.example": {
        "UV_INDEX": "https://a.example https://b.example",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    },
    "cert = /ca.pem": {"SSL_CERT_FILE": "/ca.pem"},
    "client-cert = /own.pem": {"SSL_CLIENT_CERT": "/own.pem"},
    "proxy = user:word@proxy.example:3128": dict.fromkeys(
        ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"),
        "http://user:word@proxy.example:3128",
    ),
    "trusted-host =\n  a.example\n  b.example:8443": {
        "UV_INSECURE_HOST": "a.example b.example:8443"
    },
    "find-links = https://a.example/all\n  /nowhere": {"UV_FIND_LINKS": "https://a.example/all"},
    "no-index = true\nindex-url = https://a.example": {"UV_DEFAULT_INDEX": "file:///no-index"},
    "no-index = false": {},
    "timeout = 60.5": {"UV_HTTP_TIMEOUT": "60"},
    "retries = 7": {"UV_HTTP_RETRIES": "7"},
    "keyring-provider = subprocess": {"UV_KEYRING_PROVIDER": "subprocess"},
    "keyring-provider = auto": {},
    "use-feature = fast-deps truststore": {"UV_SYSTEM_CERTS": "1"},
    "user = true\ntarget = /x\nprefix = /x\nroot = /x\nconstraint = x\nno-binary = :all:": {},
}


@pytest.mark.parametrize(("text", "added"), OPTIONS.items())
@pytest.mark.parametrize("section", ("global", "install"))
def test_an_option_in_pips_file_is_a_variable_of_uv(
    home: Path, section: str, text: str, added: dict[str, str]
) -> None:
    _write(home / ".config/pip/pip.conf", f"[{section}]\n{text}\n")
    assert _added() == added


def test_a_variable_of_pip_is_a_variable_of_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://a.example")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://b.example https://c.example")
    monkeypatch.setenv("PIP_DEFAULT_TIMEOUT", "9")
    added = _added()
    assert added["UV_DEFAULT_INDEX"] == "https://a.example" and added["UV_HTTP_TIMEOUT"] == "9"
    assert added["UV_INDEX"] == "https://b.example https://c.example"


def test_the_order_of_the_places_is_pips(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = {
        "xdg": tmp_path / "xdg/pip/pip.conf",
        "etc": tmp_path / "etc" / "pip.conf",
        "legacy": home / ".pip/pip.conf",
        "user": home / ".config/pip/pip.conf",
        "environment": tmp_path / "prefix/pip.conf",
    }
    for name, path in places.items():
        _write(path, f"[global]\nindex-url = https://{name}\n")
        assert settings() == {"index-url": f"https://{name}"}
    named = _write(tmp_path / "named.conf", "[global]\nindex_url = https://named\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(named))
    assert settings() == {"index-url": "https://named"}
    _write(home / ".pip/pip.conf", "[install]\nindex-url = https://install\n")
    assert settings() == {"index-url": "https://named"}  # it replaces the user's files
    _write(named, "[global]\nindex-url = https://named\n[install]\nindex-url = https://install\n")
    assert settings() == {"index-url": "https://install"}
    monkeypatch.setenv("PIP_INDEX_URL", "https://variable")
    assert settings() == {"index-url": "https://variable"}
    monkeypatch.delenv("PIP_INDEX_URL")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    assert not settings()


def test_a_variable_of_uv_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://a.example")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://b.example")
    assert uv_environment()["UV_DEFAULT_INDEX"] == "https://b.example"


@pytest.mark.parametrize("name", ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"))
def test_a_certificate_that_pip_finds_by_its_http_client_reaches_uv(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "/ca.pem")
    assert _added() == {"SSL_CERT_FILE": "/ca.pem"}


def test_the_installers_pip_has_no_other_settings(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(home / ".config/pip/pip.conf", "[install]\nuser = true\ntarget = /x\nproxy = p:1\n")
    for name in ("PIP_USER", "PIP_REQUIRE_VIRTUALENV", "PIP_TARGET", "PIP_INDEX_URL"):
        monkeypatch.setenv(name, "1")
    own = {name: value for name, value in pip_environment().items() if name.startswith("PIP_")}
    assert own == {
        **{"PIP_INDEX_URL": "1", "PIP_PROXY": "p:1", "PIP_RETRIES": "2"},
        **{"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    }


def test_a_file_that_pip_cannot_read_either_is_left_to_pip(home: Path) -> None:
    _write(home / ".config/pip/pip.conf", "no section\n")
    assert not settings()


@pytest.mark.parametrize(
    "login", ("user:pass@", "token@", "user:p@ss@", "user:p/ss@", "user:a:b@", ":pass@")
)
def test_no_message_has_credentials(login: str) -> None:
    text = f"see https://{login}index.example/simple, not a@b or https://x.example/@y"
    clean = "see https://index.example/simple, not a@b or https://x.example/@y"
    assert without_credentials(text) == clean
