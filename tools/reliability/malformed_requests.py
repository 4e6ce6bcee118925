"""Requests that no client library would send, on raw sockets."""

import socket
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from local.local_stack import LocalStack
from tools.reliability import consistency

# 0: the server closes the connection without a response.
_REFUSED = (0, 400, 403, 404, 405, 413, 414, 431, 501)
_ANY = (201, *_REFUSED)

_HEAD = "POST {path} HTTP/1.1\r\nHost: {host}\r\n"
_KEY = "x-api-key: {key}\r\n"
_END = "Content-Length: 0\r\nConnection: close\r\n\r\n"
_WHOLE = _HEAD + _KEY + _END
_SECOND = _HEAD + _END  # without a key


class Attack(NamedTuple):
    """Raw requests, with `{path}` and `{key}` as placeholders, and the allowed statuses."""

    what: str
    sent: Sequence[str]
    statuses: Sequence[int]


def _headers(*lines: str) -> str:
    return _HEAD + _KEY + "".join(f"{line}\r\n" for line in lines) + _END


ATTACKS = (
    Attack(
        "headers twice, in mixed case",
        (
            _HEAD + "X-API-KEY: wrong\r\n" + _KEY + _END,
            _HEAD + _KEY + "X-Api-Key: wrong\r\n" + _END,
            _headers("Idempotency-Key: a", "IDEMPOTENCY-KEY: b", "idempotency-key: c"),
            _headers("X-Forwarded-For: 203.0.113.1", "x-FORWARDED-for: 203.0.113.2"),
        ),
        _ANY,
    ),
    Attack(
        "control characters in a header",
        tuple(_headers(f"Idempotency-Key: a{chr(code)}b") for code in (0, 1, 9, 27, 127)),
        (400,),
    ),
    Attack(
        "a header that brings lines for header or log",
        (
            _headers("Idempotency-Key: a\r\n b: c"),
            _headers("Idempotency-Key: a\nSet-Cookie: b"),
            _headers("Idempotency-Key: a%0d%0aSet-Cookie:%20b"),
            _headers('Idempotency-Key: {{"level":"ERROR","message":"forged"}}'),
            _headers("X-Amzn-Trace-Id: Root=1-0-0\tforged"),
        ),
        _ANY,
    ),
    Attack(
        "a forged chain of forwarders",
        (
            _headers("X-Forwarded-For: " + ", ".join(["203.0.113.9"] * 50)),
            _headers("X-Forwarded-For: ,,unknown,_,:::"),
            _headers("Forwarded: for=203.0.113.9", "X-Real-IP: 203.0.113.9"),
        ),
        (201,),
    ),
    Attack(
        "two lengths, and a second request within",
        (
            _HEAD
            + _KEY
            + f"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{_WHOLE}",
            _HEAD + _KEY + f"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{_WHOLE}",
            _HEAD + _KEY + f"Content-Length: 0\r\nContent-Length: 9\r\n\r\n{_WHOLE}",
            _HEAD + _KEY + f"Content-Length: -1\r\n\r\n{_WHOLE}",
        ),
        _REFUSED,
    ),
    Attack(
        "a second request without a key, behind one with it",
        (_HEAD + _KEY + f"Content-Length: 0\r\n\r\n{_SECOND}",),
        (201, 403),
    ),
    Attack(
        "paths that mean another",
        tuple(
            _WHOLE.replace("{path}", path)
            for path in (
                *("{path}/", "/{path}", "{path}%2f", "{path}%00", "{path}/../epoch", "{path}/..;/"),
                *("{path}\\", "{path};a=b", "*", "/../../etc/passwd", "{path}#a", "{path}%0d%0a"),
            )
        ),
        _REFUSED,
    ),
    Attack(
        "methods that are none",
        tuple(_WHOLE.replace("POST", method) for method in ("post", "TRACE", "CONNECT", "PO ST")),
        _REFUSED,
    ),
    Attack(
        "heads without measure",
        (_headers("a: " + "b" * 200_000), _WHOLE.replace("{path}", "{path}?" + "a" * 200_000)),
        _REFUSED,
    ),
)


def _send(stack: LocalStack, sent: str) -> list[consistency.Call]:
    """Send raw bytes; return every response."""
    url = urlsplit(stack.outputs["sample_url"])
    raw = sent.format(path=url.path, host=url.netloc, key=stack.outputs["default_api_key"]).encode(
        "latin-1"
    )
    received = b""
    with socket.create_connection((str(url.hostname), url.port), timeout=60) as connection:
        try:
            connection.sendall(raw)
            while piece := connection.recv(65_536):
                received += piece
        except OSError:  # the server closed the connection or stopped responding
            pass
    found = []
    for answer in received.decode("latin-1").split("HTTP/1.1 ")[1:]:
        head, _, body = answer.partition("\r\n\r\n")
        if "set-cookie" in head.lower():
            raise AssertionError(f"the response has a header of the caller: {head}")
        found.append(consistency.Call("", int(head[:3]), body))
    return found or [consistency.Call("", 0, "")]


def run(stack: LocalStack, attack: Attack) -> consistency.Finding:
    """Send an attack's requests and compare the responses with the items."""
    before = consistency.items(stack)
    calls = [answer for sent in attack.sent for answer in _send(stack, sent)]
    found = consistency.compare(calls, before, consistency.items(stack))
    odd = [f"returned {status}" for status in found.statuses if status not in attack.statuses]
    forged = [call.body for call in calls if call.status == 201 and "203.0.113" in call.body]
    more = ["an item without a 201"] * (found.stored > found.statuses.get(201, 0))
    twice = ["more items than keys were sent"] * (found.stored > len(attack.sent))
    return found._replace(violations=[*found.violations, *odd, *forged, *more, *twice])
