"""pip's network settings reach uv as pip itself would use them."""

import os
from collections.abc import Callable

import pytest

from components.packaging.pip_settings import uv_environment, without_credentials

Configure = Callable[..., None]


@pytest.fixture(name="configure")
def _configure(monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Return a function that sets the only settings of pip."""
    for name in list(os.environ):
        if name.startswith(("UV_", "SSL_")) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    target = "components.packaging.pip_settings.settings"
    return lambda **options: monkeypatch.setattr(
        target, lambda _: {name.replace("_", "-"): text for name, text in options.items()}
    )


def _added() -> dict[str, str]:
    """Return the variables that uv gets beside this process's."""
    return {name: value for name, value in uv_environment().items() if name not in os.environ}


OPTIONS: tuple[tuple[dict[str, str], dict[str, str]], ...] = (
    ({"index_url": "https://a.example/simple"}, {"UV_DEFAULT_INDEX": "https://a.example/simple"}),
    (
        {"extra_index_url": "\nhttps://a.example\nhttps://b.example"},
        {
            "UV_INDEX": "https://a.example https://b.example",
            "UV_INDEX_STRATEGY": "unsafe-best-match",
        },
    ),
    ({"cert": "/ca.pem"}, {"SSL_CERT_FILE": "/ca.pem"}),
    ({"client_cert": "/own.pem"}, {"SSL_CLIENT_CERT": "/own.pem"}),
    (
        {"proxy": "user:word@proxy.example:3128"},
        dict.fromkeys(
            ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"),
            "http://user:word@proxy.example:3128",
        ),
    ),
    (
        {"trusted_host": "\na.example\nb.example:8443"},
        {"UV_INSECURE_HOST": "a.example b.example:8443"},
    ),
    (
        {"find_links": "https://a.example/all\n/nowhere"},
        {"UV_FIND_LINKS": "https://a.example/all"},
    ),
    (
        {"no_index": "true", "index_url": "https://a.example"},
        {"UV_DEFAULT_INDEX": "file:///no-index"},
    ),
    ({"no_index": "false"}, {}),
    ({"timeout": "60.5"}, {"UV_HTTP_TIMEOUT": "60"}),
    ({"default_timeout": "9"}, {"UV_HTTP_TIMEOUT": "9"}),
    ({"retries": "7"}, {"UV_HTTP_RETRIES": "7"}),
    ({"keyring_provider": "subprocess"}, {"UV_KEYRING_PROVIDER": "subprocess"}),
    ({"keyring_provider": "auto"}, {}),
    ({"use_feature": "fast-deps truststore"}, {"UV_SYSTEM_CERTS": "1"}),
)


@pytest.mark.parametrize(("options", "added"), OPTIONS)
def test_an_option_of_pip_is_a_variable_of_uv(
    configure: Configure, options: dict[str, str], added: dict[str, str]
) -> None:
    configure(**options)
    assert _added() == added


def test_a_variable_of_uv_wins(configure: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(index_url="https://a.example")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://b.example")
    assert uv_environment()["UV_DEFAULT_INDEX"] == "https://b.example"


@pytest.mark.parametrize(
    "login", ("user:pass@", "token@", "user:p@ss@", "user:p/ss@", "user:a:b@", ":pass@")
)
def test_no_message_has_credentials(login: str) -> None:
    text = f"see https://{login}index.example/simple, not a@b or https://x.example/@y"
    clean = "see https://index.example/simple, not a@b or https://x.example/@y"
    assert without_credentials(text) == clean
