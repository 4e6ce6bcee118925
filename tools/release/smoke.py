"""`python -m tools.release.smoke OUTPUTS`: calls a deployed API as a client would, and says what
it saw.

It makes the sample calls that the endpoints declare, needs beside them the stack's outputs, and
never shows the API key.
"""

import argparse
import json
import re
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jsonschema
import msgspec

from function.contract import Body, Endpoint, Sample
from function.endpoints import declared
from openapi import samples
from tools import cli
from tools.release import pipeline_io

# API Gateway waits 29 seconds for an integration.
TIMEOUT_S = 35
# A new API key is refused until API Gateway has spread it.
PATIENCE_S = 60

_IDEMPOTENCY_KEY, _REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
_LONG = "x" * 256
_NONE: Mapping[str, str] = MappingProxyType({})


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
    """A deployed API and a key for it; `patience_s` is how long that key may be refused.

    `document` stands for the OpenAPI document that was deployed last.
    """

    url: str
    api_key: str
    document: str
    patience_s: float = PATIENCE_S

    def send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Reply:
        """Send a request; raises CommandError where nobody answers."""
        try:
            request = urllib.request.Request(
                self.url + path, data=body, method=method, headers=dict(headers)
            )
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                return _reply(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as answer:
            with answer:
                return _reply(answer.code, answer.headers, answer.read())
        except (OSError, ValueError) as error:
            raise pipeline_io.CommandError(f"{self.url} does not answer: {error}") from None

    def call(
        self, endpoint: Endpoint[Any], key: str | None = None, headers: Mapping[str, str] = _NONE
    ) -> Reply:
        """Make the sample call of an endpoint, with the key unless another is given, "" for none.

        It is made again while a new key is still refused.
        """
        sample = endpoint.sample or Sample()
        sent = {**sample.headers, **headers}
        if given := self.api_key if key is None else key:
            sent |= {} if endpoint.public else {"x-api-key": given}
        body = None
        if sample.body is not None:
            body, sent["Content-Type"] = msgspec.json.encode(sample.body), "application/json"
        deadline = time.monotonic() + self.patience_s
        while True:
            reply = self.send(endpoint.method, samples.path_and_query(endpoint), sent, body)
            if reply.status != 403 or key is not None or time.monotonic() > deadline:
                return reply
            time.sleep(2)


def _reply(status: int, headers: Any, body: bytes) -> Reply:
    return Reply(
        status=status,
        headers={name.lower(): value for name, value in headers.items()},
        body=body.decode("utf-8", "replace"),
    )


def _wrong(declared: Body, reply: Reply) -> str:
    """Return why a body is not of the declared type; "" where it is."""
    try:
        if isinstance(declared, Mapping):
            body = json.loads(reply.body)
            jsonschema.validate(body, declared, format_checker=jsonschema.FormatChecker())
        else:
            msgspec.json.decode(reply.body, type=declared)
    except (jsonschema.ValidationError, ValueError) as error:
        return getattr(error, "message", str(error))
    return ""


def _answered(endpoint: Endpoint[Any], reply: Reply) -> str:
    """Return what an endpoint answered; raises Failed where it declares another answer."""
    if reply.status not in endpoint.answers:
        wanted = " or ".join(map(str, endpoint.answers))
        raise Failed(f"{reply.status}, not {wanted}: {reply.body[:200]}")
    declared = endpoint.answers[reply.status]
    if declared is None:
        if reply.body:
            raise Failed(f"{reply.status} with a body, where none is declared: {reply.body[:200]}")
        return str(reply.status)
    if endpoint.method != "HEAD":
        document = reply.document(reply.status, "application/json")
        if why := _wrong(declared, reply):
            raise Failed(f"{json.dumps(document)[:200]} is not what is declared: {why}")
    return f"{reply.status} {reply.body}"


def _repeats(api: Api, endpoint: Endpoint[Any]) -> str:
    same = {_IDEMPOTENCY_KEY: f"smoke-{uuid.uuid4()}"}
    first, second = (api.call(endpoint, headers=same) for _ in range(2))
    _answered(endpoint, first)
    if (first.status, first.body) != (second.status, second.body):
        raise Failed(f"the repeat answers {second.body}, the first call {first.body}")
    if any(header.name == _REPLAYED for header in endpoint.answer_headers):
        marks = [reply.headers.get(_REPLAYED.lower()) for reply in (first, second)]
        if marks != [None, "true"]:
            raise Failed(f"{_REPLAYED} of the call and its repeat: {marks}")
    return f"{first.status} twice with one body"


def _rejects(api: Api, endpoint: Endpoint[Any]) -> str:
    return api.call(endpoint, headers={_IDEMPOTENCY_KEY: _LONG}).problem(400)


def _serves_its_document(api: Api) -> str:
    """An import that failed leaves the API as it was, and Pulumi's next update is green."""
    reply = api.send("GET", "/no-such-route", {})
    reply.problem(404)
    served = reply.headers.get("api-document")
    if served != api.document:
        raise Failed(
            f"document {served} is served, not {api.document}, which the stack declares; "
            "see failed-import in docs/operations.md"
        )
    return f"document {served}"


Check = Callable[[Api], str]


def _of(endpoint: Endpoint[Any]) -> Iterator[tuple[str, Check]]:
    """Return the checks of an endpoint that has a sample."""
    yield "answers as declared", lambda api: _answered(endpoint, api.call(endpoint))
    if not endpoint.public:
        yield "refuses a call without a key", lambda api: api.call(endpoint, "").problem(403)
        wrong = "not-a-key-of-this-api"
        yield "refuses a wrong key", lambda api: api.call(endpoint, wrong).problem(403)
    for header in endpoint.headers:
        if header.name == _IDEMPOTENCY_KEY:
            yield "answers a repeat as the first call", lambda api: _repeats(api, endpoint)
            if header.pattern and not re.search(header.pattern, _LONG):
                yield "rejects a bad Idempotency-Key", lambda api: _rejects(api, endpoint)


def checks() -> dict[str, Check]:
    """Return each check by its name."""
    found: dict[str, Check] = {"serves the document that was deployed": _serves_its_document}
    for endpoint in declared():
        if endpoint.sample is not None:
            found |= {f"{endpoint.route} {name}": look for name, look in _of(endpoint)}
    return found


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a check saw, and whether it is what the contract says."""

    check: str
    passed: bool
    saw: str


def check(api: Api) -> list[Result]:
    """Run every check; raises CommandError where nobody answers."""
    results = []
    for name, look in checks().items():
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
            f"### Smoke test of `{api.url}`",
            "",
            "| | check | saw |",
            "| --- | --- | --- |",
            *rows,
        ]
    )


def _cell(saw: str) -> str:
    return saw.replace("|", "\\|").replace("`", "'").replace("\n", " ")


def _smoke(path: Path) -> list[str]:
    outputs = pipeline_io.read_outputs(path)
    url, api_key, document = (
        pipeline_io.text(outputs, name) for name in ("url", "api_key", "document")
    )
    api = Api(url=url, api_key=api_key, document=document)
    print(api.url)
    results = check(api)
    for result in results:
        print(f"{'ok    ' if result.passed else 'FAILED'}  {result.check}: {result.saw}")
    if len(results) == 1:
        print(f"Nothing else is called: {samples.NO_SAMPLE}.")
    pipeline_io.summarize(_markdown(api, results))
    failed = sum(not result.passed for result in results)
    return [f"error: {failed} of {len(results)} checks failed"] if failed else []


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when every check passed."""
    parser = argparse.ArgumentParser(prog="python -m tools.release.smoke")
    parser.add_argument("outputs", type=Path, help="the stack's outputs, as JSON")
    chosen = parser.parse_args(arguments)
    return cli.run(lambda: _smoke(chosen.outputs))


if __name__ == "__main__":
    sys.exit(main())
