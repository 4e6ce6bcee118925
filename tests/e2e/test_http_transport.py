"""Requests over open connections: the same on the wire as botocore's own, for any response."""

import gc
import socket
import ssl
import threading
import time
import weakref
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore import httpsession

from function.declare import limits
from function.declare.problem import Problem
from function.runtime import aws_client, http_transport, telemetry
from tools.bench import fake_dynamodb

pytestmark = pytest.mark.socket

BODY = b'{"Attributes": {"a": {"S": "b"}}}'
OK = b"HTTP/1.1 200 OK\r\n"
SUM = b"x-amz-crc32: %d\r\n" % zlib.crc32(BODY)
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
PLAIN = OK + SUM + LENGTH + b"\r\n" + BODY
# Instead of a piece: the server ends the connection, or says nothing for as long as the test takes.
HANGS_UP, STOPS = b"", b"..."


class Peer:
    """Answers on loopback, each request with the next of `replies`: pieces, sent one by one."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.replies: list[tuple[bytes, ...]] = []
        # Start, headers and body of each request, and the number of the connection it came by.
        self.received: list[tuple[str, dict[str, str], bytes, int]] = []
        self.hung_up = threading.Event()
        self._over = threading.Event()
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0))
        scheme = "https" if context else "http"
        self.url = f"{scheme}://localhost:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """End the running connections and accept no more."""
        self._over.set()
        self._socket.close()

    def _accept(self) -> None:
        for number in range(100):
            try:
                link, _ = self._socket.accept()
                if self._context:
                    link = self._context.wrap_socket(link, server_side=True)
            except ssl.SSLError:
                continue
            except OSError:
                return
            threading.Thread(target=self._serve, args=(link, number), daemon=True).start()

    def _serve(self, link: socket.socket, number: int) -> None:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with link, link.makefile("rb") as reader:
            while start := reader.readline().decode():
                lines = iter(lambda: reader.readline().decode().strip(), "")
                headers = {name.lower(): text for name, text in (li.split(": ") for li in lines)}
                body = reader.read(int(headers["content-length"]))
                self.received.append((start, headers, body, number))
                for piece in self.replies.pop(0) if self.replies else (PLAIN,):
                    if piece is HANGS_UP:
                        link.shutdown(socket.SHUT_RDWR)
                        self.hung_up.set()
                        return
                    if piece is STOPS:
                        self._over.wait(10)
                        return
                    link.sendall(piece)
                    time.sleep(0.02)  # or two would be one


@pytest.fixture(name="certificate", scope="module")
def _certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fake_dynamodb.certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    _forget()
    yield
    _forget()


def _forget() -> None:
    aws_client._client.cache_clear()


@pytest.fixture(name="peer", params=("http", "https"))
def _peer(
    request: pytest.FixtureRequest, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Peer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if request.param == "https" else None
    if context:
        context.load_cert_chain(certificate)
    peer = Peer(context)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate.with_name("ca.pem")))
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"{peer.url}/base")
    yield peer
    peer.close()


def call() -> dict[str, Any]:
    """Put an item; return DynamoDB's response."""
    return aws_client.send("dynamodb", "put_item", {}, {"TableName": "things", "Item": {}})


def only_by_open_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each request fail that botocore would send itself."""
    session = aws_client._client("dynamodb")._endpoint.http_session

    def refuse(_: Any) -> None:
        raise AssertionError("botocore sends it: its connections are somewhere else now")

    monkeypatch.setattr(session, "send", refuse)


def test_the_request_is_botocores_and_so_is_the_connection(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    responses = [call()]
    only_by_open_connections(monkeypatch)
    responses += [call(), call()]
    (start, headers, body, connection), *others = peer.received
    once = ("authorization", "amz-sdk-invocation-id", "x-amz-date")
    same = {name: text for name, text in headers.items() if name not in once}
    assert len(others) == 2 and start == "POST /base HTTP/1.1\r\n"
    for other_start, other_headers, other_body, other_connection in others:
        assert (other_start, other_body, other_connection) == (start, body, connection)
        assert same.items() <= other_headers.items() and headers.keys() == other_headers.keys()
    for response in responses:
        assert response["Attributes"] == {"a": {"S": "b"}}
        assert response["ResponseMetadata"]["HTTPHeaders"]["content-length"] == str(len(BODY))
        assert response["ResponseMetadata"]["RetryAttempts"] == 0


@pytest.mark.parametrize("peer", ("https",), indirect=True)
def test_a_server_that_is_not_trusted_gets_no_request(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE")
    for _ in range(2):
        with pytest.raises(Problem, match="Retry later"):
            call()
    assert not peer.received


@pytest.mark.parametrize("peer", ("https",), indirect=True)
@pytest.mark.parametrize(
    "case",  # botocore's CAs, the system's, whether these are read, and whether one is trusted
    (
        ("own.pem", "other.pem", False, True),
        ("other.pem", "own.pem", True, True),
        ("other.pem", "other.pem", True, False),
    ),
)
def test_the_systems_authorities_are_read_if_botocores_do_not_know_a_server(
    case: tuple[str, str, bool, bool],
    peer: Peer,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    botocores, systems, reads_system, trusted = case
    fake_dynamodb.certificate(tmp_path)
    (tmp_path / "own.pem").rename(certificate.with_name("other.pem"))
    read: list[str] = []
    system = SimpleNamespace(cafile=str(certificate.with_name(systems)))
    monkeypatch.delenv("AWS_CA_BUNDLE")
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setattr(httpsession, "where", lambda: str(certificate.with_name(botocores)))
    monkeypatch.setattr(
        http_transport.ssl, "get_default_verify_paths", lambda: read.append("system") or system
    )
    for _ in range(2):
        if trusted:
            assert call()["Attributes"]
        else:
            with pytest.raises(Problem, match="Retry later"):
                call()
    assert bool(read) == reads_system and len(peer.received) == 2 * trusted


CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)


@pytest.mark.parametrize(
    ("pieces", "stays"),
    (
        ((PLAIN[:5], PLAIN[5:]), True),
        ((PLAIN[:-9], PLAIN[-9:-5], PLAIN[-5:]), True),
        ((OK + SUM + CHUNKED,), True),
        ((b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN,), True),
        ((OK + LENGTH + SUM + CHUNKED,), True),
        ((OK + b"Connection: close\r\n" + SUM + LENGTH + b"\r\n" + BODY,), False),
        ((b"HTTP/1.0 200 OK\r\n" + SUM + b"\r\n" + BODY, HANGS_UP), False),
        ((OK + SUM + b"\r\n" + BODY, HANGS_UP), False),
    ),
)
def test_whatever_http_allows_is_read(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, pieces: tuple[bytes, ...], stays: bool
) -> None:
    peer.replies = [(PLAIN,), pieces]
    call()
    with monkeypatch.context() as patched:
        only_by_open_connections(patched)
        assert call()["Attributes"] == {"a": {"S": "b"}}
    assert call()["ResponseMetadata"]["RetryAttempts"] == 0
    first, second, third = (connection for *_, connection in peer.received)
    assert first == second and (second == third) == stays


@pytest.mark.parametrize("connection", (b"", b"Connection: keep-alive\r\n"))
def test_a_plain_response_is_read_without_http_client(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, connection: bytes
) -> None:
    peer.replies = [(PLAIN,), (OK + connection + SUM + LENGTH + b"\r\n" + BODY,)]
    call()
    monkeypatch.setattr(http_transport, "HTTPResponse", None)
    response = call()
    headers = response["ResponseMetadata"].pop("HTTPHeaders")
    assert response["Attributes"] == {"a": {"S": "b"}}
    assert response["ResponseMetadata"]["RetryAttempts"] == 0
    assert headers["x-amz-crc32"] == str(zlib.crc32(BODY))


@pytest.mark.parametrize(
    "pieces", ((HANGS_UP,), (PLAIN[:-1], HANGS_UP), (PLAIN[:-1], STOPS), (b"SSH-2.0-x\r\n", STOPS))
)
def test_an_answer_that_breaks_off_is_asked_for_again_on_another_connection(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, pieces: tuple[bytes, ...]
) -> None:
    monkeypatch.setattr(limits, "READ_TIMEOUT_S", 1)  # of which a busy machine needs some
    peer.replies = [(PLAIN,), pieces]
    call()
    assert call()["ResponseMetadata"]["RetryAttempts"] == 1
    assert [connection for *_, connection in peer.received] == [0, 0, 1]


def test_a_connection_that_the_server_has_closed_is_not_used(peer: Peer) -> None:
    peer.replies = [(PLAIN, HANGS_UP)]
    call()
    assert peer.hung_up.wait(5)
    assert call()["ResponseMetadata"]["RetryAttempts"] == 0
    assert [connection for *_, connection in peer.received] == [0, 1]


@pytest.mark.parametrize("peer", ("http",), indirect=True)
def test_clients_that_were_given_up_take_their_connections_with_them(peer: Peer) -> None:
    sessions = []
    for _ in range(10):  # as where credentials stay expired
        _forget()
        assert call() and call()
        client = aws_client._client("dynamodb")
        sessions.append(weakref.ref(client._endpoint.http_session))
        del client
    gc.collect()
    assert len({connection for *_, connection in peer.received}) == 10
    assert sum(session() is not None for session in sessions) <= 5


@pytest.mark.parametrize("peer", ("http",), indirect=True)
def test_a_proxy_is_asked_each_time(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", peer.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://dynamodb.invalid")
    call()
    call()
    assert {start for start, *_ in peer.received} == {"POST http://dynamodb.invalid/ HTTP/1.1\r\n"}


class _OtherPool:
    """A pool as another version of urllib3 might have it."""

    def _get_conn(self, timeout: float) -> None:
        raise AssertionError("the call lacks an argument")


@pytest.mark.parametrize(
    ("name", "other"),
    (
        ("HTTPConnectionPool", object()),
        ("HTTPConnection", object()),
        ("auth", object()),
        ("awsrequest", object()),
        ("_pool", lambda *_: _OtherPool()),
        ("_serialize", lambda: b"takes no request"),
    ),
)
def test_other_private_names_fall_back_to_botocores_transport_and_log_it_once(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, name: str, other: object
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(telemetry, "log_warning", warnings.append)
    monkeypatch.setattr(http_transport, name, other)
    http_transport._log_fallback.cache_clear()
    assert [call()["Attributes"] for _ in range(3)] == [{"a": {"S": "b"}}] * 3
    assert len(peer.received) == 3
    assert len(warnings) == 1 and "botocore's own HTTP transport is in use" in warnings[0]
