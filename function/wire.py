"""Sends requests over connections that botocore has opened.

For each one botocore goes through urllib3 and http.client, which are ready for every kind of
server: a third of a warm call. Here a request is one write, and an answer as AWS gives it one read.
The rest stays theirs: http.client reads any other answer, and where no connection is open botocore
sends the request itself, so that proxies, certificates and timeouts are as it sets them up.
"""

import re
from http.client import HTTPResponse, IncompleteRead
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from botocore import auth
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import ensure_bytes
from botocore.exceptions import HTTPClientError

# Answers that always have a body (RFC 9112, section 6.3).
_STATUS = re.compile(r"HTTP/1\.1 (200|[45]\d\d) ")
_FIELD = re.compile(r"\r\n([A-Za-z0-9-]+):[ \t]*([^\r\n]*)")


def _written(request: AWSPreparedRequest) -> bytes:
    """Return a request as HTTP/1.1 has it."""
    url = urlsplit(request.url)
    target = f"{url.path or '/'}{'?' if url.query else ''}{url.query}"
    host = auth._host_from_url(request.url)  # pylint: disable=protected-access  # is what is signed
    start = f"{request.method} {target} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: identity"
    fields = (
        b"%s: %s" % (ensure_bytes(name), ensure_bytes(value))
        for name, value in request.headers.items()
    )
    return b"\r\n".join((start.encode(), *fields, b"", request.body))


def _plain(head: str) -> tuple[int, dict[str, str]] | None:
    """Return status and headers of an answer that tells its length and leaves the connection open;
    None for any other."""
    status = _STATUS.match(head)
    headers = {name.lower(): value for name, value in _FIELD.findall(head)}
    if (
        status
        # Each line is a field, and no name comes twice.
        and head.count("\r") == head.count("\n") == len(headers)
        and headers.get("content-length", "").isdecimal()
        and "transfer-encoding" not in headers
        and headers.get("connection", "keep-alive").lower() == "keep-alive"
    ):
        return int(status[1]), headers
    return None


def _answer(connection: Any, request: AWSPreparedRequest) -> AWSResponse:
    """Read the answer to a request, and close a connection that does not outlive it."""
    with connection.sock.makefile("rb") as reader:
        head, end, _ = reader.peek().partition(b"\r\n\r\n")
        if end and (plain := _plain(head.decode("latin-1"))):
            status, headers = plain
            reader.read(len(head + end))
            body = reader.read(length := int(headers["content-length"]))
            if len(body) < length:
                raise IncompleteRead(body)
        else:
            begun: Any = SimpleNamespace(makefile=lambda _: reader)
            with HTTPResponse(begun, method=request.method) as whole:
                whole.begin()
                status, headers, body = whole.status, dict(whole.getheaders()), whole.read()
                if whole.will_close:
                    connection.close()
    return AWSResponse(request.url, status, headers, SimpleNamespace(stream=lambda: [body]))


def send(session: Any, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
    """Return the answer to a signed request; None where botocore's session has no connection open.

    It handles botocore's event `before-send`, which sends what it returns None for. Raises
    HTTPClientError, after which botocore tries again.
    """
    # pylint: disable=protected-access  # no other way leads to the connections
    pool = session._manager.connection_from_url(request.url)
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
