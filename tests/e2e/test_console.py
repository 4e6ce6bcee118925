"""The console's server: its callers, its joined data and its hidden data."""

import base64
import json
import socket
from contextlib import suppress
from dataclasses import replace
from functools import partial
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from typing import Any

import pytest
from flask.testing import FlaskClient

from console import server, views
from console.console import Console
from console.request_log import MAX_ENTRIES, RequestLog
from function.declare.auth import Public
from function.declare.registry import load_endpoints
from local import local_stack, stack_files
from openapi import samples
from tests.conftest import STACK, declare


@pytest.fixture(scope="module")
def console() -> Console:
    """Return a console that has heard of all that the stack declares."""
    page = Console()
    for resource in declare(STACK):
        page.add_resource(resource)
    return page


@pytest.fixture(scope="module")
def page(console: Console, local: local_stack.LocalStack) -> FlaskClient:
    """Return a client of the console of a stack that is up."""
    return server.application(console, local).test_client()


def _get(console: Console, page: FlaskClient, path: str = "", **headers: str) -> Any:
    base = f"http://127.0.0.1:{console.port}"
    return page.get(f"/{console.token}/{path}", base_url=base, headers=headers)


def test_it_serves_its_own_page_alone(console: Console, page: FlaskClient) -> None:
    assert _get(console, page).status_code == 200
    own = f"http://127.0.0.1:{console.port}"
    assert _get(console, page, "stack.json", Origin=own).status_code == 200
    assert _get(console, page, Host=f"evil.example:{console.port}").status_code == 421
    assert _get(console, page, Host="127.0.0.1:1").status_code == 421
    assert _get(console, page, "stack.json", Origin="http://evil.example").status_code == 403
    assert _get(console, page, "stack.json", Origin="null").status_code == 403
    foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert _get(console, page, "page/app.js", **foreign).status_code == 403
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert _get(console, page, **link).status_code == 200


@pytest.mark.parametrize("token", ["", "wrong", "é"])
def test_it_serves_nothing_without_its_token(
    console: Console, page: FlaskClient, token: str
) -> None:
    for path in ("", "stack.json", "page/app.js", "events", "try/any"):
        base = f"http://127.0.0.1:{console.port}"
        assert page.get(f"/{token}/{path}", base_url=base).status_code == 404


def test_its_policy_allows_nothing_foreign(console: Console, page: FlaskClient) -> None:
    headers = _get(console, page).headers
    policy = dict(part.split(maxsplit=1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'" and policy["script-src"] == "'self'"
    assert {*" ".join(policy.values()).split()} == {"'none'", "'self'", "data:"}
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_files_beside_the_page_stay_where_they_are(console: Console, page: FlaskClient) -> None:
    for path in ("page/../server.py", "page/%2e%2e/server.py", "viewer/../__init__.py"):
        assert _get(console, page, path).status_code == 404


@pytest.mark.conformance
def test_a_call_goes_through_to_the_api(console: Console, page: FlaskClient, local: Any) -> None:
    shown = samples.default_sample(load_endpoints())
    assert shown and shown.sample
    where = f"/{console.token}/try{samples.path_and_query(shown)}"
    base = f"http://127.0.0.1:{console.port}"
    key = {"x-api-key": local.outputs["default_api_key"]}
    send = partial(page.open, where, method=shown.method, base_url=base, json=shown.sample.body)
    answer = send(headers={**shown.sample.headers, **key})
    assert answer.status_code in shown.responses
    assert answer.headers["Content-Security-Policy"] == "sandbox"
    assert isinstance(shown.auth, Public) or send().status_code == 403


def test_secrets_are_told_only_when_asked_for(
    console: Console, page: FlaskClient, local: Any
) -> None:
    shown = _get(console, page, "stack.json")
    assert local.outputs["default_api_key"] not in shown.text
    assert shown.json["outputs"]["default_api_key"] is None
    assert shown.json["project"] == stack_files.project_name() and shown.json["stack"] == STACK
    told = _get(console, page, "secret.json?name=default_api_key").json
    assert told == {"value": local.outputs["default_api_key"]}


@pytest.mark.conformance
def test_the_api_the_picture_and_the_declared_graphs_are_there(
    console: Console, page: FlaskClient, local: Any
) -> None:
    document = _get(console, page, "openapi.json").json
    assert set(document["paths"]) == {endpoint.path for endpoint in load_endpoints()}
    assert local.outputs["sample_url"].startswith(document["servers"][0]["url"])
    assert _get(console, page, "architecture.svg").text.startswith("<svg")
    metrics = _get(console, page, "metrics.json").json
    (body,) = (
        json.loads(resource.inputs["dashboardBody"])
        for resource in console.resources.values()
        if resource.kind.endswith(":Dashboard")
    )
    properties = [w["properties"] for w in body["widgets"] if w["type"] == "metric"]
    titles = [each["title"] for each in properties if each.get("view") != "singleValue"]
    assert [graph["title"] for graph in metrics["graphs"]] == titles
    assert metrics["alarms"]


def test_jobs_are_started_and_queues_fed(console: Console, local: local_stack.LocalStack) -> None:
    jobs = {"tidy": local.outputs["function_name"]}  # stands in for a job's
    stack = views.Stack(
        console=console, local=replace(local, outputs={**local.outputs, "job_functions": jobs})
    )
    client = local.emulator.client("sqs")
    url = client.create_queue(QueueName="letters")["QueueUrl"]
    try:
        stack.send("letters", "<b>")
        stack.run("tidy")
        found = stack.jobs_and_queues()
        assert {"name": "letters", "waiting": 1, "in_flight": 0, "dead_letters": ["<b>"]} in found[
            "queues"
        ]
        assert [job["name"] for job in found["jobs"]] == ["tidy"]
        (message,) = client.receive_message(QueueUrl=url)["Messages"]
        assert message["Body"] == "<b>"
    finally:
        client.delete_queue(QueueUrl=url)


def _call(identity: str, **more: Any) -> dict[str, Any]:
    call = {"kind": "call", "id": identity, "at": 1.0, "ms": 5.0, "method": "POST"}
    return {**call, "path": "/things", "status": 500, "apiKey": None, **more}


def test_what_belongs_to_a_request_is_joined(local: local_stack.LocalStack) -> None:
    requests = RequestLog()
    requests.add(
        {
            "kind": "refusal",
            "trace": "Root=1-a;Sampled=1",
            "action": "dynamodb:PutItem",
            "resource": "arn:aws:dynamodb:r:1:table/t",
        }
    )
    line = {"apiRequestId": "one", "traceId": "1-a", "coldStart": True}
    requests.add({"kind": "log", "at": 1.001, "lines": ["START RequestId: x", json.dumps(line)]})
    requests.add(_call("one"))
    requests.add(_call("two", refused={"type": "THROTTLED", "reason": "Too Many Requests"}))
    news = requests.changes_since(0, 0)
    assert [request["id"] for request in news["requests"]] == ["one", "two"]
    assert (
        news["requests"][0]["coldStart"]
        and not requests.changes_since(news["number"], 0)["requests"]
    )
    found = requests.request("one", local.traces)
    assert found and found["line"] == line
    assert [each["action"] for each in found["refusals"]] == ["dynamodb:PutItem"]
    other = requests.request("two", local.traces)
    assert other and not other["refusals"] and other["refused"]["type"] == "THROTTLED"
    assert requests.request("none", local.traces) is None


def test_only_the_newest_requests_are_kept() -> None:
    requests = RequestLog()
    for number in range(MAX_ENTRIES + 10):
        requests.add(_call(str(number)))
        requests.add({"kind": "log", "at": 1.0, "lines": ["output"]})
    kept = requests.changes_since(0, 0)["requests"]
    assert len(kept) == MAX_ENTRIES and kept[0]["id"] == "10"


def test_a_stranger_ends_no_report() -> None:
    requests = RequestLog()
    port, key = requests.address.split()
    where = ("127.0.0.1", int(port))
    for said in (b"GET / HTTP/1.1\r\n\r\n", b""):
        with socket.create_connection(where) as stranger:
            stranger.sendall(said)

    def report(key: bytes) -> None:
        refused = suppress(AuthenticationError, ConnectionResetError)
        with refused, Client(where, authkey=key) as emulator:
            emulator.send_bytes(json.dumps(_call("one")).encode())

    report(b"wrong")
    report(base64.b64decode(key))
    assert [request["id"] for request in requests.changes_since(0, 10)["requests"]] == ["one"]


@pytest.mark.parametrize(
    "line",
    (
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"apiRequestId": ["one"]}',
        '{"apiRequestId": "one", "traceId": {}}',
        "null",
        "NaN",
    ),
    ids=range(6),
)
def test_any_line_that_a_function_prints_leaves_the_log_readable(
    local: local_stack.LocalStack, line: str
) -> None:
    requests = RequestLog()
    requests.add(_call("one"))
    own = json.dumps({"apiRequestId": "one", "key": "k"})
    requests.add({"kind": "log", "at": 2.0, "function": "f", "lines": [own, line]})
    shown = requests.request("one", local.traces)
    assert shown and shown["call"]["status"] == 500
    assert requests.changes_since(0, 0)["requests"]
