"""A DynamoDB with injected faults, in front of the emulator's or of a table in memory."""

import json
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from local.local_stack import HTTP, LocalStack

Reply = tuple[int, bytes]
Apply = Callable[[Mapping[str, str], bytes], Reply]

SECRET = "arn:aws:dynamodb:eu-central-1:123456789012:table/secret"  # pragma: allowlist secret


def error(status: int, code: str, **more: Any) -> Reply:
    """Return an error response of DynamoDB."""
    return status, json.dumps({"__type": f"x#{code}", "message": SECRET, **more}).encode()


# Successful responses that are not from DynamoDB.
FORGERIES = {
    "empty": b"",
    "html": b"<html>captive portal</html>",
    "unreadable": b'{"Attri',
}

# Error responses by name; the write is not applied.
REFUSALS = {
    "throttled": error(400, "ThrottlingException"),
    "limited": error(400, "RequestLimitExceeded"),
    "over capacity": error(400, "ProvisionedThroughputExceededException"),
    "broken": error(500, "InternalServerError"),
    "denied": error(400, "AccessDeniedException"),
    "conflict": error(400, "TransactionConflictException"),
    "expired": error(400, "ExpiredTokenException"),
    "no item": error(400, "ConditionalCheckFailedException"),
}


class Table:
    """A table in memory: applies conditional puts to `items`, by their first attribute."""

    def __init__(self) -> None:
        self.items: dict[str, Any] = {}

    def __call__(self, _: Mapping[str, str], body: bytes) -> Reply:
        """Answer a conditional PutItem."""
        item = json.loads(body)["Item"]
        key = next(iter(item.values()))["S"]
        there = self.items.setdefault(key, item)
        if there is item:
            return 200, b"{}"
        return error(400, "ConditionalCheckFailedException", Item=there)


class _Handler(BaseHTTPRequestHandler):
    server: "Storage"
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Stay quiet."""

    def do_GET(self) -> None:
        """Respond as DynamoDB's health check, or with credentials to a request with a token."""
        reply = b"healthy"
        if token := self.headers.get("Authorization"):
            keys = {"AccessKeyId": token, "SecretAccessKey": "test", "Token": "test"}
            soon = f"{datetime.now(UTC) + timedelta(minutes=5):%Y-%m-%dT%H:%M:%SZ}"
            reply = json.dumps({**keys, "Expiration": soon}).encode()
        else:
            self.server.checks.append(self.client_address)
        self.send_response(200)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def do_POST(self) -> None:
        """Reject a call, or apply it and then lose or delay the response."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls.append(self.client_address)
        fault = self.server.faults.pop(0) if self.server.faults else ""
        if fault == "cut":
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, reply = REFUSALS.get(fault) or self.server.apply(headers, body)
        if fault == "slow":
            time.sleep(self.server.delay_s)
        if fault == "drop":
            self.close_connection = True
            return
        with suppress(ConnectionError):  # the client has closed the connection
            self._respond(status, FORGERIES.get(fault, reply), fault)

    def _respond(self, status: int, reply: bytes, fault: str) -> None:
        """Send a response; a truncated or dripping one is shorter than it announces."""
        missing = {"drip": 1_000_000, "truncated": 100}.get(fault, 0)
        self.close_connection |= missing > 0
        self.send_response(status)
        if fault not in FORGERIES:
            self.send_header("x-amz-crc32", str(zlib.crc32(reply)))
        self.send_header("Content-Length", str(len(reply) + missing))
        self.end_headers()
        for _ in range(40 if fault == "drip" else 0):
            self.wfile.write(b" ")
            time.sleep(0.05)
        self.wfile.write(reply)


class Storage(ThreadingHTTPServer):
    """Serves on a loopback port; `faults` are the faults of the next calls, in order."""

    def __init__(self, apply: Apply, delay_s: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.apply = apply
        self.delay_s = delay_s
        self.faults: list[str] = []
        # The clients' addresses for calls and health checks.
        self.calls: list[Any] = []
        self.checks: list[Any] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


@contextmanager
def storage(apply: Apply, *faults: str, delay_s: float = 0) -> Iterator[Storage]:
    """Run a server that applies calls with `apply`; a slow one waits `delay_s` seconds."""
    server = Storage(apply, delay_s)
    server.faults = list(faults)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def between(stack: LocalStack) -> Iterator[Storage]:
    """Put a server with faults between a stack's function and the emulator's DynamoDB.

    A signature is valid for one host only, so root signs the calls again: IAM is not tested here.
    """
    signer = SigV4Auth(stack.emulator.credentials, "dynamodb", stack.emulator.region)

    def forward(headers: Mapping[str, str], body: bytes) -> Reply:
        kept = {k: v for k, v in headers.items() if k in {"content-type", "x-amz-target"}}
        signed = AWSRequest("POST", stack.emulator.url, headers=kept, data=body)
        signer.add_auth(signed)
        response = HTTP.request("POST", stack.emulator.url, body=body, headers=dict(signed.headers))
        return response.status, response.data

    with storage(forward, delay_s=2.5) as server:
        with _setting(stack, "AWS_ENDPOINT_URL_DYNAMODB", server.url):
            yield server


@contextmanager
def _setting(stack: LocalStack, name: str, value: str) -> Iterator[None]:
    """Publish a stack's function with an environment variable; restore its alias afterwards."""
    client, function = stack.emulator.client("lambda"), stack.outputs["function_name"]
    (alias,) = client.list_aliases(FunctionName=function)["Aliases"]
    own = client.get_function_configuration(FunctionName=function)["Environment"]
    changed = {"Variables": {**own["Variables"], name: value}}
    client.update_function_configuration(FunctionName=function, Environment=changed)
    version = client.publish_version(FunctionName=function)["Version"]
    served = {"FunctionName": function, "Name": alias["Name"]}
    client.update_alias(**served, FunctionVersion=version)
    try:
        yield
    finally:
        client.update_alias(**served, FunctionVersion=alias["FunctionVersion"])
        client.update_function_configuration(FunctionName=function, Environment=own)
