"""Looks for what callers send, and for keys, wherever a run could tell of it."""

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from local.stack import LocalStack
from tools.reliability import load

# What a caller may send: an Idempotency-Key, an address in X-Forwarded-For, a body; a bad key too.
_GIVEN, _FORGED, _BODY = "given-7c1f2a9e", "203.0.113.77", "body-5b0d8e44"
_REFUSED = _GIVEN + "\u00e9"


def _send(stack: LocalStack, given: str) -> str:
    """Send it all; return the error that came back, "" for none."""
    headers = {
        "x-api-key": stack.outputs["api_key"],
        "Idempotency-Key": given,
        "X-Forwarded-For": _FORGED,
        "Content-Type": "text/plain",
    }
    request = urllib.request.Request(stack.outputs["endpoint"], _BODY.encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=60):
            return ""
    except urllib.error.HTTPError as refused:
        with refused:
            return f"{refused.headers}{refused.read().decode()}"


def _credentials(stack: LocalStack) -> Iterator[str]:
    """Return what the function's workers sign with."""
    for worker in load.processes(stack, emulator=False):
        with suppress(OSError):  # ended
            for setting in Path(f"/proc/{worker}/environ").read_text("utf-8").split("\0"):
                name, _, value = setting.partition("=")
                if value and name in {"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}:
                    yield value


def _places(stack: LocalStack) -> Iterator[tuple[str, str]]:
    """Return every place with what stands there."""
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


def told(stack: LocalStack) -> list[str]:
    """Send what nobody else may see, and return where it stands all the same."""
    errors = _send(stack, _GIVEN) + _send(stack, _REFUSED)
    time.sleep(1)  # traces come by themselves
    hidden = {stack.outputs["api_key"], _GIVEN, _FORGED, _BODY, *_credentials(stack)}
    places = [("error", errors), *_places(stack)]
    found = [f"{word} in {place}" for place, text in places for word in hidden if word in text]
    if stack.emulator.process.folder.stat().st_mode & 0o077:
        found.append("the run's folder is open to others")
    return found
