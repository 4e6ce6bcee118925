"""Requests that API Gateway refuses, and the responses if the function fails."""

import os
import socket
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from function.declare.registry import load_endpoints
from local import local_stack
from openapi import samples

PROBLEM_SCHEMA = {"type", "title", "status", "detail", "requestId"}


def _raw(stack: local_stack.LocalStack, head: str, body: str = "") -> bytes:
    """Send a request as it stands, and return all that comes back until the connection ends."""
    url = urlsplit(stack.outputs["sample_url"])
    assert url.hostname and url.port
    with socket.create_connection((url.hostname, url.port), timeout=60) as connection:
        text = head.format(
            method=METHOD, path=url.path, host=url.netloc, key=stack.outputs["default_api_key"]
        )
        connection.sendall((text.replace("\n", "\r\n") + "\r\n" + body).encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


_SHOWN = samples.default_sample(load_endpoints())
METHOD = _SHOWN.method if _SHOWN else "GET"
ORDINARY = "{method} {path} HTTP/1.1\nHost: {host}\nx-api-key: {key}\nContent-Length: 0\n"


# A parameter of the path takes any text of its segment.
_OTHER_TEXTS = () if _SHOWN and "{" in _SHOWN.path else ("/%2f{path}", "/{path}%2f", "/{upper}")


@pytest.mark.parametrize("path", ("/{path}/", "//{path}", *_OTHER_TEXTS))
def test_only_the_very_path_is_served(local: local_stack.LocalStack, path: str) -> None:
    before = len(local.items())
    own = urlsplit(local.outputs["sample_url"].removeprefix(local.outputs["api_url"])).path[1:]
    reply = local.call(path=path.format(path=own, upper=own.swapcase()))
    assert reply.status == 404 and set(reply.json()) == PROBLEM_SCHEMA
    assert len(local.items()) == before


@pytest.mark.parametrize(
    "head",
    (
        ORDINARY.replace("{method}", METHOD.lower()),
        ORDINARY.replace("Length: 0", "Length: 4\nTransfer-Encoding: chunked"),
    ),
)
def test_what_is_ambiguous_is_refused_and_ends_the_connection(
    local: local_stack.LocalStack, head: str
) -> None:
    before = len(local.items())
    second = ORDINARY.format(method=METHOD, path="/", host="x", key="x").replace("\n", "\r\n")
    received = _raw(local, head, f"0\r\n\r\n{second}\r\n")
    assert received.startswith(b"HTTP/1.1 400 ") and received.count(b"HTTP/1.1") == 1
    assert len(local.items()) == before
    assert _raw(local, ORDINARY + "Connection: close\n").startswith((b"HTTP/1.1 2", b"HTTP/1.1 4"))


def _set_handler(stack: local_stack.LocalStack, handler: str) -> None:
    client, name = stack.emulator.client("lambda"), stack.outputs["function_name"]
    client.update_function_configuration(FunctionName=name, Handler=handler)
    version = client.publish_version(FunctionName=name)["Version"]
    for alias in client.list_aliases(FunctionName=name)["Aliases"]:
        client.update_alias(FunctionName=name, Name=alias["Name"], FunctionVersion=version)


@pytest.mark.parametrize(
    ("handler", "reason"),
    (
        ("function.nothing.handler", "No module named 'function.nothing'"),
        ("function.runtime.api_handler.nothing", "nothing"),
        ("function.runtime.api_handler._handle", "Runtime.HandlerError"),
        ("operator.is_", "no statusCode"),
    ),
)
def test_a_function_that_fails_is_the_declared_answer(
    local: local_stack.LocalStack, handler: str, reason: str
) -> None:
    _set_handler(local, handler)
    try:
        reply = local.call()
    finally:
        _set_handler(local, "function.runtime.api_handler.handler")
    assert reply.status == 500 and set(reply.json()) == PROBLEM_SCHEMA
    assert reason in local.emulator.failures()[-1] and reason not in reply.body
    assert local.call().status < 300


def test_without_permission_for_the_call_a_function_is_not_invoked(
    local: local_stack.LocalStack,
) -> None:
    client, name = local.emulator.client("lambda"), local.outputs["function_name"]
    (alias,) = client.list_aliases(FunctionName=name)["Aliases"]
    where = {"FunctionName": name, "Qualifier": alias["Name"]}
    policy = client.get_policy(**where)["Policy"]
    sid = policy.split('"Sid": "')[1].split('"')[0]
    client.remove_permission(**where, StatementId=sid)
    source = policy.split('"AWS:SourceArn": "')[1].split('"')[0]
    stage = source.rpartition("/")[0]
    invoke = {"Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com"}
    for at, other in enumerate((None, f"{stage}/GET/*", f"{stage}-other/*", f"{source}/other")):
        if other:
            client.add_permission(**where, **invoke, StatementId=f"of-{at}", SourceArn=other)
        reply = local.call()
        if other:
            client.remove_permission(**where, StatementId=f"of-{at}")
        assert reply.status == 500 and set(reply.json()) == PROBLEM_SCHEMA
        assert "its policy does not let API Gateway invoke it" in local.emulator.failures()[-1]
    client.add_permission(**where, **invoke, StatementId=sid, SourceArn=source)
    assert local.call().status < 300


def test_an_invocation_whose_payload_is_no_object_reaches_the_function(
    local: local_stack.LocalStack,
) -> None:
    client = local.emulator.client("lambda")
    for payload in (b"[1]", b'"x"', b"5", b"null"):
        reply = client.invoke(FunctionName=local.outputs["function_name"], Payload=payload)
        assert b"Runtime.HandlerError" in reply["Payload"].read()  # the function's own


def test_the_local_run_listens_on_loopback_only(local: local_stack.LocalStack) -> None:
    assert local.call().status < 300
    mark = f"GATEWAY_PORT={local.emulator.port}".encode()
    sockets: set[str] = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # ended, or another user's
            if mark in (process / "environ").read_bytes():
                for entry in (process / "fd").iterdir():
                    with suppress(OSError):  # closed meanwhile
                        sockets.add(os.readlink(entry))
    lines = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path("/proc/net", table).read_text("ascii").splitlines()[1:]
    ]
    listening = {
        fields[1].split(":")[0]
        for fields in lines
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets
    }
    assert listening == {"0100007F"}


def test_the_tracer_opens_nothing_in_a_public_folder(local: local_stack.LocalStack) -> None:
    assert local.call().status < 300
    assert (local.emulator.process.folder / ".aws-xray" / "initialized").exists()
