"""`python -m tools.smoke OUTPUTS`: calls a deployed API as a client would, and says what it saw.

It records two or three epochs, needs nothing but the stack's outputs, and never shows the API key.
"""

import argparse
import ipaddress
import json
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools import ci, command

# API Gateway waits 29 seconds for an integration.
TIMEOUT_S = 35
# How far the clock here may be from AWS's.
CLOCK_SKEW_S = 30
# A new API key is refused until API Gateway has spread it.
PATIENCE_S = 60


class Failed(Exception):
    """A check's finding: what was seen instead of what the contract says."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An HTTP answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: str

    def document(self, status: int, media_type: str) -> dict[str, Any]:
        """Return the JSON body; raises Failed for another status, type or no JSON object."""
        seen = f"{self.status} {self.headers.get('content-type', 'without a type')}"
        if self.status != status or self.headers.get("content-type") != media_type:
            raise Failed(f"{seen}, not {status} {media_type}: {self.body[:200]}")
        try:
            body = json.loads(self.body)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise Failed(f"{seen} without a JSON object: {self.body[:200]}")
        return body

    def problem(self, status: int) -> str:
        """Return the detail of a problem document (RFC 9457); raises Failed for anything else."""
        document = self.document(status, "application/problem+json")
        if set(document) < {"type", "title", "status", "detail", "requestId"}:
            raise Failed(f"problem document with {', '.join(sorted(document))} only")
        if document["status"] != status:
            raise Failed(f"problem document with status {document['status']}, not {status}")
        return f"{status} {document['title']}: {document['detail']}"


@dataclass(frozen=True, kw_only=True)
class Api:
    """A deployed POST /epoch and a key for it; `patience_s` is how long that key may be refused.

    `document` stands for the OpenAPI document that was deployed last.
    """

    endpoint: str
    api_key: str
    document: str
    patience_s: float = PATIENCE_S

    def post(self, headers: Mapping[str, str], url: str = "") -> Reply:
        """Call it, or another URL; raises CommandError where nobody answers."""
        try:
            url = url or self.endpoint
            request = urllib.request.Request(url, method="POST", headers=dict(headers))
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                return _reply(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as answer:
            with answer:
                return _reply(answer.code, answer.headers, answer.read())
        except (OSError, ValueError) as error:
            raise ci.CommandError(f"{self.endpoint} does not answer: {error}") from None

    def record(self, headers: Mapping[str, str] | None = None) -> Reply:
        """Call it with the key, again while a new key is still refused."""
        deadline = time.monotonic() + self.patience_s
        while True:
            reply = self.post({"x-api-key": self.api_key, **(headers or {})})
            if reply.status != 403 or time.monotonic() > deadline:
                return reply
            time.sleep(2)


def _reply(status: int, headers: Any, body: bytes) -> Reply:
    return Reply(
        status=status,
        headers={name.lower(): value for name, value in headers.items()},
        body=body.decode("utf-8", "replace"),
    )


def _records(api: Api) -> str:
    document = api.record().document(201, "application/json")
    if set(document) != {"key", "epoch", "ip"}:
        raise Failed(f"the record has {', '.join(sorted(document))}, not key, epoch and ip")
    try:
        uuid.UUID(document["key"])
        ipaddress.ip_address(document["ip"])
        skew = abs(time.time() - document["epoch"])
    except (TypeError, ValueError, AttributeError) as error:
        raise Failed(f"the record is malformed: {error}") from None
    if skew > CLOCK_SKEW_S:
        raise Failed(f"epoch is {skew:.0f} seconds from now")
    return f"201 {json.dumps(document)}"


def _refuses(headers: Mapping[str, str]) -> Callable[[Api], str]:
    return lambda api: api.post(headers).problem(403)


def _repeats(api: Api) -> str:
    same = {"Idempotency-Key": f"smoke-{uuid.uuid4()}"}
    first, second = api.record(same), api.record(same)
    if first.document(201, "application/json") != second.document(201, "application/json"):
        raise Failed(f"the repeat answers {second.body}, the first call {first.body}")
    marks = [reply.headers.get("idempotency-replayed") for reply in (first, second)]
    if marks != [None, "true"]:
        raise Failed(f"Idempotency-Replayed of the call and its repeat: {marks}")
    return "201 twice with one body, the second with Idempotency-Replayed: true"


def _rejects(api: Api) -> str:
    return api.record({"Idempotency-Key": "x" * 256}).problem(400)


def _serves_its_document(api: Api) -> str:
    """An import that failed leaves the API as it was, and Pulumi's next update is green."""
    reply = api.post({}, f"{api.endpoint.rpartition('/')[0]}/no-such-route")
    reply.problem(404)
    served = reply.headers.get("api-document")
    if served != api.document:
        raise Failed(
            f"document {served} is served, not {api.document}, which the stack declares; "
            "see failed-import in docs/operations.md"
        )
    return f"document {served}"


CHECKS: Mapping[str, Callable[[Api], str]] = {
    "serves the document that was deployed": _serves_its_document,
    "records an epoch": _records,
    "refuses a call without a key": _refuses({}),
    "refuses a wrong key": _refuses({"x-api-key": "not-a-key-of-this-api"}),
    "answers a repeat with the first record": _repeats,
    "rejects a bad Idempotency-Key": _rejects,
}


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a check saw, and whether it is what the contract says."""

    check: str
    passed: bool
    saw: str


def check(api: Api) -> list[Result]:
    """Run every check; raises CommandError where nobody answers."""
    results = []
    for name, look in CHECKS.items():
        try:
            results.append(Result(check=name, passed=True, saw=look(api)))
        except Failed as failure:
            results.append(Result(check=name, passed=False, saw=str(failure)))
    return results


def _markdown(api: Api, results: list[Result]) -> str:
    rows = [
        f"| {'✅' if result.passed else '❌'} | {result.check} | `{_cell(result.saw)}` |"
        for result in results
    ]
    return "\n".join(
        [
            f"### Smoke test of `{api.endpoint}`",
            "",
            "| | check | saw |",
            "| --- | --- | --- |",
            *rows,
        ]
    )


def _cell(saw: str) -> str:
    return saw.replace("|", "\\|").replace("`", "'").replace("\n", " ")


def _smoke(path: Path) -> list[str]:
    outputs = ci.read_outputs(path)
    endpoint, api_key, document = (
        ci.text(outputs, name) for name in ("endpoint", "api_key", "document")
    )
    api = Api(endpoint=endpoint, api_key=api_key, document=document)
    print(f"POST {api.endpoint}")
    results = check(api)
    for result in results:
        print(f"{'ok    ' if result.passed else 'FAILED'}  {result.check}: {result.saw}")
    ci.summarize(_markdown(api, results))
    failed = sum(not result.passed for result in results)
    return [f"error: {failed} of {len(results)} checks failed"] if failed else []


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when every check passed."""
    parser = argparse.ArgumentParser(prog="python -m tools.smoke")
    parser.add_argument("outputs", type=Path, help="the stack's outputs, as JSON")
    chosen = parser.parse_args(arguments)
    return command.run(lambda: _smoke(chosen.outputs))


if __name__ == "__main__":
    sys.exit(main())
