"""Sends requests over connections that botocore has opened.

For each one botocore goes through urllib3, which is ready for every kind of server and connection:
a sixth of a warm call. Here a request is one write, and http.client reads the answer. Where no
connection is open botocore sends the request itself, so that proxies, certificates and timeouts are
as it sets them up.
"""

from functools import cache, lru_cache
from http.client import HTTPResponse
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from botocore import auth
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import ensure_bytes
from botocore.exceptions import HTTPClientError


@lru_cache(4)
def _pool(session: Any, url: str) -> Any:
    """Return where botocore's session keeps the connections to a URL's host, while it lives."""
    return session._manager.connection_from_url(url)  # pylint: disable=protected-access


@cache
def _start(method: str, url: str) -> bytes:
    """Return how a request begins; DynamoDB has one URL for all."""
    parts = urlsplit(url)
    target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    host = auth._host_from_url(url)  # pylint: disable=protected-access  # is what is signed
    return f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: identity".encode()


def _written(request: AWSPreparedRequest) -> bytes:
    """Return a request as HTTP/1.1 has it."""
    fields = (
        b"%s: %s" % (ensure_bytes(name), ensure_bytes(value))
        for name, value in request.headers.items()
    )
    return b"\r\n".join((_start(request.method, request.url), *fields, b"", request.body))


def _answer(connection: Any, request: AWSPreparedRequest) -> AWSResponse:
    """Read the answer to a request, and close a connection that does not outlive it."""
    with HTTPResponse(connection.sock, method=request.method) as answer:
        answer.begin()
        body = answer.read()
        if answer.will_close:
            connection.close()
        raw = SimpleNamespace(stream=lambda: [body])
        return AWSResponse(request.url, answer.status, dict(answer.getheaders()), raw)


def send(session: Any, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
    """Return the answer to a signed request; None where botocore's session has no connection open.

    It handles botocore's event `before-send`, which sends what it returns None for. Raises
    HTTPClientError, after which botocore tries again.
    """
    # pylint: disable=protected-access  # no other way leads to the connections
    pool = _pool(session, request.url)
    connection = pool._get_conn()
    try:
        if connection.is_closed:
            return None
        connection.sock.sendall(_written(request))
        return _answer(connection, request)
    except Exception as error:
        connection.close()
        raise HTTPClientError(error=error) from error
    finally:
        # One that is not open may have been made before botocore told the pool which CAs it trusts.
        pool._put_conn(None if connection.is_closed else connection)
