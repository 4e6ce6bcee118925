"""Request data and credentials are in no log, trace, metric, error, file or command line."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from local.local_stack import HTTP, LocalStack
from tools import post_epoch
from tools.reliability import load

pytestmark = pytest.mark.skipif(
    not post_epoch.is_declared(), reason="the requests are those of the shipped endpoint"
)

# Request data: Idempotency-Key, address in X-Forwarded-For, body; and an invalid Idempotency-Key.
_GIVEN, _FORGED, _BODY = "given-7c1f2a9e", "203.0.113.77", "body-5b0d8e44"
_REFUSED = _GIVEN + "\u00e9"


def _send(stack: LocalStack, given: str) -> str:
    """Send a request with all of them; return the error response, or ""."""
    headers = {
        "x-api-key": stack.outputs["default_api_key"],
        "Idempotency-Key": given,
        "X-Forwarded-For": _FORGED,
        "Content-Type": "text/plain",
    }
    headers = {name: value.encode("latin-1") for name, value in headers.items()}
    response = HTTP.request("POST", stack.outputs["sample_url"], body=_BODY, headers=headers)
    return "" if response.status < 400 else f"{response.headers}{response.data.decode()}"


def _credentials(stack: LocalStack) -> Iterator[str]:
    """Return the credentials of the function's workers."""
    for worker in load.processes(stack, emulator=False):
        with suppress(OSError):  # ended
            for setting in Path(f"/proc/{worker}/environ").read_text("utf-8").split("\0"):
                name, _, value = setting.partition("=")
                if value and name in {"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}:
                    yield value


def _places(stack: LocalStack) -> Iterator[tuple[str, str]]:
    """Return every place and its text."""
    logs = stack.emulator.client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
        lines = [event["message"] for page in pages for event in page["events"]]
        yield f"log group {group['logGroupName']}", "\n".join(lines)
    for line in stack.log_lines():
        segments = stack.traces.trace(line.get("traceId", ""))
        yield f"trace {line.get('traceId')}", json.dumps(segments)
    metrics = stack.emulator.client("cloudwatch").list_metrics()["Metrics"]
    yield "metrics", json.dumps(metrics)
    for file in stack.emulator.process.folder.glob("*.log"):
        yield f"file {file.name}", file.read_text("utf-8", "replace")
    for process in Path("/proc").glob("[0-9]*"):
        if int(process.name) != os.getpid():
            with suppress(OSError):  # ended
                text = (process / "cmdline").read_text("utf-8", "replace")
                yield f"command line {process.name}", text


def test_confidential_data_is_nowhere(local: LocalStack) -> None:
    errors = _send(local, _GIVEN) + _send(local, _REFUSED)
    time.sleep(1)  # traces arrive asynchronously
    hidden = {local.outputs["default_api_key"], _GIVEN, _FORGED, _BODY, *_credentials(local)}
    places = [("error", errors), *_places(local)]
    assert not [f"{word} in {place}" for place, text in places for word in hidden if word in text]
    assert not local.emulator.process.folder.stat().st_mode & 0o077
