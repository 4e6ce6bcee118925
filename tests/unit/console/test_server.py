"""The console's server forwards the requests of its page to the API."""

from types import SimpleNamespace

import flask
import pytest

from console import server
from local import local_stack


def test_forwarded_request_has_the_time_of_a_cold_start(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []

    def open_url(_: object, method: str, url: str, **options: object) -> SimpleNamespace:
        sent.append((method, url, options["timeout"] if "timeout" in options else "pool"))
        return SimpleNamespace(data=b"{}", status=201, headers={"Connection": "close", "X-A": "1"})

    monkeypatch.setattr("urllib3.PoolManager.urlopen", open_url)
    app = flask.Flask("test")
    environ = {"REQUEST_URI": "/token/try/a%2Fb?c=1"}
    with app.test_request_context("/token/try/x", method="PUT", environ_overrides=environ):
        response = server._forward("http://127.0.0.1:1/stage")

    # The default of urllib3.request is 3 seconds; that of the pool is a minute.
    assert sent == [("PUT", "http://127.0.0.1:1/stage/a%2Fb?c=1", "pool")]
    assert local_stack.HTTP.connection_pool_kw["timeout"] == 60
    assert (response.status_code, response.headers["X-A"]) == (201, "1")
    assert "Connection" not in response.headers
