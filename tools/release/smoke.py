"""`python -m tools.release.smoke OUTPUTS`: tests a deployed API as a client.

It sends the endpoints' sample requests with the stack's outputs, and never prints the API key.
"""

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

from function.declare.auth import ApiKey, refusal_status
from function.declare.endpoint import Endpoint, SampleRequest, one_by_one
from function.declare.registry import load_endpoints
from function.declare.schema import Body, Raw
from openapi import gateway, samples
from tools import cli
from tools.release import pipeline_io

# API Gateway waits 29 seconds for an integration.
TIMEOUT_S = 35
# API Gateway rejects a new API key until it has propagated.
PROPAGATION_S = 60

_IDEMPOTENCY_KEY, _REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
_LONG = "x" * 256
_NONE: Mapping[str, str] = MappingProxyType({})


class CheckFailed(Exception):
    """The API differs from its contract; the message says how."""


class _Problem(msgspec.Struct):
    """A problem document (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    requestId: str


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An HTTP response; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: str

    def expect(self, status: int, media_type: str) -> None:
        """Raise CheckFailed for another status or media type."""
        kind = self.headers.get("content-type", "without a type")
        if (self.status, kind) != (status, media_type):
            raise CheckFailed(f"{self.status} {kind}, not {status} {media_type}: {self.body[:200]}")

    def problem(self, status: int) -> str:
        """Return a summary of a problem document; raise CheckFailed for any other response."""
        self.expect(status, "application/problem+json")
        try:
            document = msgspec.json.decode(self.body, type=_Problem)
        except msgspec.DecodeError as error:
            raise CheckFailed(f"invalid problem document: {error}: {self.body[:200]}") from None
        if document.status != status:
            raise CheckFailed(f"problem document with status {document.status}, not {status}")
        return f"{status} {document.title}: {document.detail}"


@dataclass(frozen=True, kw_only=True)
class Api:
    """A deployed API and a key for it, which API Gateway may reject for `propagation_s` seconds.

    `document` is the fingerprint of the deployed OpenAPI document.
    """

    url: str
    api_key: str
    document: str
    propagation_s: float = PROPAGATION_S

    def send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Reply:
        """Send a request; raise CommandError if there is no response."""
        try:
            request = urllib.request.Request(self.url + path, body, dict(headers), method=method)
            try:
                answer = urllib.request.urlopen(request, timeout=TIMEOUT_S)
            except urllib.error.HTTPError as error:
                answer = error
            with answer:
                return Reply(
                    status=answer.status,
                    headers={name.lower(): value for name, value in answer.headers.items()},
                    body=answer.read().decode("utf-8", "replace"),
                )
        except (OSError, ValueError) as error:
            raise pipeline_io.CommandError(f"{self.url} does not answer: {error}") from None

    def call(
        self, endpoint: Endpoint[Any], key: str | None = None, headers: Mapping[str, str] = _NONE
    ) -> Reply:
        """Send the sample request of an endpoint, with its own key or `key`; "" sends none.

        It retries while API Gateway still rejects a new key.
        """
        sample = endpoint.sample or SampleRequest()
        sent = {**sample.headers, **headers}
        if given := self.api_key if key is None else key:
            sent |= {"x-api-key": given} if isinstance(endpoint.auth, ApiKey) else {}
        kind, body = samples.sent_body(endpoint)
        if body is not None:
            sent["Content-Type"] = kind
        deadline = time.monotonic() + self.propagation_s
        while True:
            reply = self.send(endpoint.method, samples.path_and_query(endpoint), sent, body)
            if reply.status != 403 or key is not None or time.monotonic() > deadline:
                return reply
            time.sleep(2)


def _schema_error(declared: Body, reply: Reply) -> str:
    """Return the error in a body of the declared type, or ""."""
    try:
        if isinstance(declared, Mapping):
            body = json.loads(reply.body)
            jsonschema.validate(body, declared, format_checker=jsonschema.FormatChecker())
        else:
            msgspec.json.decode(reply.body, type=declared)
    except (jsonschema.ValidationError, ValueError) as error:
        return getattr(error, "message", str(error))
    return ""


def _expect_declared(endpoint: Endpoint[Any], reply: Reply) -> str:
    """Return a response as text; raise CheckFailed if the endpoint does not declare it."""
    if reply.status not in endpoint.responses:
        wanted = " or ".join(map(str, endpoint.responses))
        raise CheckFailed(f"{reply.status}, not {wanted}: {reply.body[:200]}")
    declared = endpoint.responses[reply.status]
    if declared is None:
        if reply.body:
            raise CheckFailed(f"{reply.status} with an undeclared body: {reply.body[:200]}")
        return str(reply.status)
    if endpoint.method != "HEAD" and not isinstance(declared, Raw):
        reply.expect(reply.status, "application/json")
        if why := _schema_error(declared, reply):
            raise CheckFailed(f"{reply.body[:200]} does not match the declaration: {why}")
    return f"{reply.status} {reply.body}"


def _expect_replay(api: Api, endpoint: Endpoint[Any]) -> str:
    same = {_IDEMPOTENCY_KEY: f"smoke-{uuid.uuid4()}"}
    first, second = (api.call(endpoint, headers=same) for _ in range(2))
    _expect_declared(endpoint, first)
    if (first.status, first.body) != (second.status, second.body):
        raise CheckFailed(f"the retry returned {second.body}, the first request {first.body}")
    if any(header.name == _REPLAYED for header in endpoint.response_headers):
        marks = [reply.headers.get(_REPLAYED.lower()) for reply in (first, second)]
        if marks != [None, "true"]:
            raise CheckFailed(f"{_REPLAYED} of the request and its retry: {marks}")
    return f"{first.status} twice with one body"


def _expect_rejection(api: Api, endpoint: Endpoint[Any]) -> str:
    return api.call(endpoint, headers={_IDEMPOTENCY_KEY: _LONG}).problem(400)


def _expect_document(api: Api) -> str:
    """Check the deployed document: after a failed import, Pulumi's next update succeeds."""
    reply = api.send("GET", samples.unknown_path(load_endpoints()), {})
    reply.problem(gateway.unknown_route_status(load_endpoints()))
    served = reply.headers.get("x-api-document-hash")
    if served != api.document:
        raise CheckFailed(
            f"document {served} is deployed, but the stack declares {api.document}; "
            "see failed-import in docs/operations.md"
        )
    return f"document {served}"


Check = Callable[[Api], str]


def _endpoint_checks(endpoint: Endpoint[Any]) -> Iterator[tuple[str, Check]]:
    """Return the checks of an endpoint with a sample."""
    if not samples.needs_only_a_key(endpoint):
        refusal = refusal_status(endpoint.auth)
        yield (
            "rejects a request without credentials",
            lambda api: api.call(endpoint).problem(refusal),
        )
        return
    yield "returns a declared response", lambda api: _expect_declared(endpoint, api.call(endpoint))
    if isinstance(endpoint.auth, ApiKey):
        yield "rejects a request without a key", lambda api: api.call(endpoint, "").problem(403)
        wrong = "not-a-key-of-this-api"
        yield "rejects a wrong key", lambda api: api.call(endpoint, wrong).problem(403)
    for header in one_by_one(endpoint.request_headers):
        if header.name == _IDEMPOTENCY_KEY:
            yield "replays the response to a retry", lambda api: _expect_replay(api, endpoint)
            if header.pattern and not re.search(header.pattern, _LONG):
                yield "rejects a bad Idempotency-Key", lambda api: _expect_rejection(api, endpoint)


def checks() -> dict[str, Check]:
    """Return the checks by name."""
    found: dict[str, Check] = {"serves the deployed document": _expect_document}
    for endpoint in load_endpoints():
        if endpoint.sample is not None:
            found |= {
                f"{endpoint.route} {name}": check for name, check in _endpoint_checks(endpoint)
            }
    return found


@dataclass(frozen=True, kw_only=True)
class Result:
    """A check's observation, and its verdict."""

    check: str
    passed: bool
    observed: str

    def __str__(self) -> str:
        return f"{'ok    ' if self.passed else 'FAILED'}  {self.check}: {self.observed}"


def run_checks(api: Api) -> list[Result]:
    """Run every check; raise CommandError if the API does not respond."""
    results = []
    for name, check in checks().items():
        try:
            results.append(Result(check=name, passed=True, observed=check(api)))
        except CheckFailed as failure:
            results.append(Result(check=name, passed=False, observed=str(failure)))
    return results


def _smoke(path: str) -> list[str]:
    outputs = pipeline_io.read_outputs(Path(path))
    url, api_key, document = (
        pipeline_io.text(outputs, name)
        for name in ("api_url", "default_api_key", "api_document_hash")
    )
    results = run_checks(Api(url=url, api_key=api_key, document=document))
    report = "\n".join([url, *map(str, results)])
    print(report)
    pipeline_io.summarize(f"### Smoke test\n```\n{report}\n```")
    for endpoint in load_endpoints():
        if endpoint.sample is not None and not samples.needs_only_a_key(endpoint):
            print(f"skipped {endpoint.route} with its sample: it needs more than an API key")
    if len(results) == 1:
        print(f"No other request sent: {samples.NO_SAMPLE}.")
    failed = sum(not result.passed for result in results)
    return [f"error: {failed} of {len(results)} checks failed"] if failed else []


def main(arguments: list[str]) -> int:
    """Return 0 if every check passes."""
    return cli.run(_smoke, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
