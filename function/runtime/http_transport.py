"""Sends requests over connections that botocore has opened.

botocore sends each request through urllib3, which supports every kind of server and connection:
that is a quarter of a warm call. Here a request is one write, and so is mostly the response one
read. If no connection is open, botocore sends the request itself, so that proxies, certificates and
timeouts stay as it sets them up. The requests of all clients keep their headers in a plain
dictionary.

This relies on private names of botocore and urllib3. If a version has other names, the client keeps
botocore's own transport and logs that once.
"""

import re
import ssl
from collections import UserDict
from collections.abc import Iterator
from contextlib import suppress
from functools import cache, lru_cache
from http.client import HTTPResponse, IncompleteRead
from io import BufferedReader
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from botocore import auth, awsrequest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import ensure_bytes
from botocore.exceptions import HTTPClientError, SSLError
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from function.runtime import telemetry

# The status and the headers of a response, and a header.
_HEAD = re.compile(rb"HTTP/1\.1 ([2-5]\d\d)[^\r\n]*\r\n((?:[\w-]+:[^\r\n]*\r\n)+)\r\n")
_FIELD = re.compile(r"([\w-]+):[ \t]*([^\r\n]*)")


class Headers(UserDict[str, Any]):
    """Headers whose names have any case, in place of botocore's two types.

    One of those is an e-mail message, and the other makes an object for each access to a name. A
    name has one value here, as in all requests that botocore makes.
    """

    def __getitem__(self, name: str) -> Any:
        return self.data[name.lower()][1]

    def __setitem__(self, name: str, value: Any) -> None:
        self.data[name.lower()] = (name, value)

    def __delitem__(self, name: str) -> None:
        del self.data[name.lower()]

    def __contains__(self, name: object) -> bool:
        return str(name).lower() in self.data

    def __iter__(self) -> Iterator[str]:
        return iter([name for name, _ in self.data.values()])

    def items(self) -> Any:
        """Return the names and values; the inherited method would look each value up."""
        return self.data.values()

    def get_all(self, name: str) -> list[Any]:
        """Return the value of a name, as the only one of a list."""
        return [self[name]]

    replace_header = __setitem__


def install(client: Any) -> None:
    """Send a client's requests over its open connections, if this version has the needed names."""
    try:
        session = client._endpoint.http_session
        for owner, name in (
            (session, "_manager"),
            (session, "_verify"),
            (HTTPConnectionPool, "_get_conn"),
            (HTTPConnectionPool, "_put_conn"),
            (HTTPConnection, "is_closed"),
            (auth, "_host_from_url"),
            (auth, "HTTPHeaders"),
            (awsrequest, "HTTPHeaders"),
            (awsrequest, "HeadersDict"),
        ):
            getattr(owner, name)
    except AttributeError as error:
        _log_fallback(str(error))
    else:
        _lighten_requests()
        _trust_system_too(session)
        # botocore inspects the parameters of a partial, for 4 ms.
        client.meta.events.register(
            "before-send.dynamodb",
            lambda request, **_: send_on_open_connection(session, request),
        )


@cache
def _lighten_requests() -> None:
    """Let botocore keep headers as Headers, and look for the host in a URL once, not three times.

    This takes a tenth off a warm call. botocore still makes, signs and retries the requests.
    """
    auth.HTTPHeaders = awsrequest.HTTPHeaders = awsrequest.HeadersDict = Headers
    auth._host_from_url = lru_cache(4)(auth._host_from_url)


def _trust_system_too(session: Any) -> None:
    """Trust the system's CAs after a failed handshake.

    The bundle's botocore has only the CAs of AWS's services. All would take a tenth of a cold
    start. The variable AWS_CA_BUNDLE overrides both.
    """
    send = session.send

    def send_or_trust_system(request: AWSPreparedRequest) -> AWSResponse:
        try:
            response: AWSResponse = send(request)
        except SSLError:
            system = ssl.get_default_verify_paths().cafile
            if session._verify is not True or not system:
                raise
            session._verify = system
            response = send(request)
        return response

    session.send = send_or_trust_system


@cache
def _log_fallback(reason: str) -> None:
    telemetry.log_warning(f"botocore's own HTTP transport is in use: {reason}")


@lru_cache(4)
def _pool(session: Any, url: str) -> Any:
    """Return the pool in which botocore's session keeps the connections to a URL's host."""
    return session._manager.connection_from_url(url)


@cache
def _head(method: str, url: str) -> bytes:
    """Return the start of a request; DynamoDB has one URL for all operations."""
    parts = urlsplit(url)
    target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    host = auth._host_from_url(url)  # the signature covers this spelling
    return f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: identity".encode()


def _serialize(request: AWSPreparedRequest) -> bytes:
    """Return a request as HTTP/1.1 bytes."""
    fields = (
        b"%s: %s" % (ensure_bytes(name), ensure_bytes(value))
        for name, value in request.headers.items()
    )
    return b"\r\n".join((_head(request.method, request.url), *fields, b"", request.body))


# The status, the headers and the body of a response.
_Response = tuple[int, dict[str, str], bytes]


def _read_plain(reader: BufferedReader) -> _Response | None:
    """Read a response of known length that keeps the connection; read nothing of another one.

    DynamoDB's responses are so. Without http.client, they save a tenth of a warm call.
    """
    if not (head := _HEAD.match(reader.peek())):
        return None
    headers = {name.lower(): value for name, value in _FIELD.findall(head[2].decode("latin-1"))}
    length = headers.get("content-length", "")
    stays = headers.get("connection", "keep-alive") == "keep-alive"
    if not length.isdecimal() or not stays or "transfer-encoding" in headers:
        return None
    reader.read(head.end())
    body = reader.read(int(length))
    if len(body) < int(length):
        raise IncompleteRead(body)
    return int(head[1]), headers, body


def _read_any(connection: Any, method: str, reader: BufferedReader) -> _Response:
    """Read any response that HTTP allows; close the connection if the server asks for it."""
    readable: Any = SimpleNamespace(makefile=lambda _: reader)
    with HTTPResponse(readable, method=method) as response:
        response.begin()
        body = response.read()
        if response.will_close:
            connection.close()
        return response.status, dict(response.getheaders()), body


def _read(connection: Any, request: AWSPreparedRequest) -> AWSResponse:
    """Read the response to a request."""
    with connection.sock.makefile("rb") as reader:
        status, headers, body = _read_plain(reader) or _read_any(connection, request.method, reader)
    return AWSResponse(request.url, status, headers, SimpleNamespace(stream=lambda: [body]))


def send_on_open_connection(
    session: Any, request: AWSPreparedRequest, **_: Any
) -> AWSResponse | None:
    """Return the response to a signed request, or None to let botocore send it.

    Handles botocore's event `before-send`. Raises HTTPClientError, after which botocore retries.
    """
    pool = connection = None
    try:
        pool = _pool(session, request.url)
        connection = pool._get_conn()
        message = None if connection.is_closed else _serialize(request)
    except (AttributeError, TypeError) as error:  # another signature than the expected one
        _log_fallback(str(error))
        if pool and connection:
            with suppress(Exception):
                pool._put_conn(connection)
        return None
    try:
        if message is None:
            return None
        connection.sock.sendall(message)
        return _read(connection, request)
    except Exception as error:
        connection.close()
        raise HTTPClientError(error=error) from error
    finally:
        # Drop a closed one: its pool may have made it before botocore set the trusted CAs.
        pool._put_conn(None if connection.is_closed else connection)
