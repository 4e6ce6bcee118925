"""`python -m tools.bench.fake_dynamodb FOLDER`: a DynamoDB on loopback with constant
response time, over TLS.

It rejects every call but the PutItem of the cases. FOLDER gets `own.pem` with its CA, and `ca.pem` with
botocore's CAs too. The output is the URL and the address of a sink for X-Ray's datagrams. It ends with its stdin.
"""

import datetime
import ipaddress
import json
import os
import socket
import ssl
import sys
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import botocore
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"


def _usage(authority: bool) -> x509.KeyUsage:
    kinds = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    unused = dict.fromkeys((*kinds, "encipher_only", "decipher_only"), False)
    return x509.KeyUsage(
        digital_signature=not authority, key_cert_sign=authority, crl_sign=authority, **unused
    )


def _signed(subject: str, key: Any, issuer: str, by: Any, authority: bool) -> bytes:
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(HOST))]
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(_usage(authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False
        )
        .sign(by, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def certificate(folder: Path) -> Path:
    """Write the CAs, and a key with its certificate; return the file of the latter."""
    root, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    known = Path(botocore.__file__).parent.joinpath("cacert.pem").read_bytes()
    own = _signed("CA", root, "CA", root, True)
    (folder / "own.pem").write_bytes(own)
    (folder / "ca.pem").write_bytes(known + b"\n" + own)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    served = folder / "stand-in.pem"
    served.touch(mode=0o600)
    served.write_bytes(private + _signed("localhost", key, "CA", root, False))
    return served


def difference(target: str, body: bytes) -> str:
    """Return the difference of a call from the PutItem of the cases, or ""."""
    if target != "DynamoDB_20120810.PutItem":
        return f"not PutItem but {target}"
    call = json.loads(body)
    shape = {name: list(value) for name, value in sorted(call["Item"].items())}
    if shape != {"epoch": ["N"], "ip": ["S"], "key": ["S"]}:
        return f"an item of {shape}"
    if not call.get("ConditionExpression", "").startswith("attribute_not_exists("):
        return "no condition"
    if call.get("ReturnValuesOnConditionCheckFailure") != "ALL_OLD":
        return "no return of what is there"
    return ""


def _reply(status: int, body: bytes) -> bytes:
    return (
        b"HTTP/1.1 %d x\r\nServer: Server\r\nDate: Wed, 25 Nov 2026 12:00:00 GMT\r\n"
        b"Content-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n"
        b"Connection: keep-alive\r\nx-amzn-RequestId: %s\r\nx-amz-crc32: %d\r\n\r\n%s"
    ) % (status, len(body), b"A" * 52, zlib.crc32(body), body)


_DONE = _reply(200, b"{}")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Stay quiet."""

    def do_GET(self) -> None:
        """Respond as DynamoDB's health check."""
        self.wfile.write(_reply(200, b"healthy"))

    def do_POST(self) -> None:
        """Respond to a call."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if why := difference(self.headers["X-Amz-Target"], body):
            refusal = {"__type": "x#ValidationException", "message": why}
            self.wfile.write(_reply(400, json.dumps(refusal).encode()))
        else:
            self.wfile.write(_DONE)


def _drain(sink: socket.socket) -> None:
    while True:
        sink.recv(65536)


def main(folder: Path) -> None:
    """Serve until stdin closes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(folder))
    server = ThreadingHTTPServer((HOST, 0), _Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.bind((HOST, 0))
    threading.Thread(target=_drain, args=(sink,), daemon=True).start()
    print(f"https://localhost:{server.server_port} {HOST}:{sink.getsockname()[1]}", flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
