"""The emulator's HTTP server."""

import socket

from local.ministack import MiniStack


def test_the_head_and_the_body_of_a_response_arrive_together(emulator: MiniStack) -> None:
    request = f"GET /_ministack/health HTTP/1.1\r\nHost: 127.0.0.1:{emulator.port}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=30) as connection:
        for _ in range(100):
            connection.sendall(request)
            head, _, body = connection.recv(65_536).partition(b"\r\n\r\n")
            assert f"content-length: {len(body)}".encode() in head.lower() and body
