"""A hostile web page against all that listens during a local run: `make test-browser`.

The page knows every port, the region, the API and a working request; a real one would have to scan.
"""

import base64
import io
import json
import os
import shutil
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from components.packaging.interpreter import PYTHON_VERSION
from function.declare.registry import load_endpoints
from local import local_stack
from openapi import samples

sync_api = pytest.importorskip("playwright.sync_api", reason="make test-browser brings it")

CHROMIUM = shutil.which("chromium") or ""
if not CHROMIUM:
    pytest.skip("needs Debian's chromium", allow_module_level=True)

# The first origin is another site; the second resolves to the emulator (DNS rebinding).
OTHER_SITE = "http://other.example"
REBOUND = "http://rebound.example"

# Reports of each attempt the status and the length of the body that the page could read: of an
# opaque response neither, and nothing of a request that the browser or the server refused.
_ATTACK = """
async ([base, attempts]) => {
  const seen = {};
  for (const [name, path, options] of attempts) {
    try {
      const reply = await fetch(base + path, {...options, signal: AbortSignal.timeout(20000)});
      seen[name] = [reply.status, (await reply.text()).length];
    } catch (error) { seen[name] = ["refused", 0]; }
  }
  return seen;
}
"""
_SOCKET = """
(url) => new Promise((resolve) => {
  const socket = new WebSocket(url);
  socket.onopen = () => resolve("open");
  socket.onerror = socket.onclose = () => resolve("refused");
})
"""
_TAGS = """
(urls) => Promise.all(urls.flatMap((url) => ["img", "script", "iframe"].map((kind) =>
  new Promise((resolve) => {
    const tag = document.createElement(kind);
    tag.onload = tag.onerror = () => resolve(kind);
    tag.src = url;
    document.body.append(tag);
  }))))
"""
_FORM = """
([action, fields]) => {
  const form = document.createElement("form");
  Object.assign(form, {method: "post", action, target: "elsewhere"});
  const frame = document.createElement("iframe");
  frame.name = "elsewhere";
  for (const [name, value] of Object.entries(fields)) {
    const input = document.createElement("input");
    Object.assign(input, {name, value});
    form.append(input);
  }
  document.body.append(frame, form);
  const sent = new Promise((resolve) => { frame.onload = resolve; });
  form.submit();
  return sent.then(() => 0);
}
"""


def _function() -> str:
    """Return a function of the attacker's, as Lambda takes it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("evil.py", "def handler(*_):\n    return 'ran'\n")
    code = {"ZipFile": base64.b64encode(packed.getvalue()).decode()}
    role = "arn:aws:iam::000000000000:role/any"
    return json.dumps(
        {"FunctionName": "evil", "Runtime": f"python{PYTHON_VERSION}", "Role": role}
        | {"Handler": "evil.handler", "Code": code}
    )


_SIGNED = (
    "AWS4-HMAC-SHA256 Credential={key}/20260101/eu-central-1/lambda/aws4_request, "
    "SignedHeaders=host, Signature=" + "0" * 64
)


def _attempts(stack: local_stack.LocalStack) -> list[Any]:
    """Return requests that read, create and invoke: simple ones, preflighted ones, opaque ones."""
    plain = {"Content-Type": "text/plain"}
    signed = _SIGNED.format(key=stack.emulator.credentials.access_key)
    invoked = f"/2015-03-31/functions/{stack.outputs['function_name']}/invocations"
    query = "?Action=CreateUser&UserName=evil&Version=2010-05-08"
    created = {"method": "POST", "body": _function()}
    target = {"X-Amz-Target": "DynamoDB_20120810.ListTables"}
    return [
        ["read keys", "/apikeys?includeValues=true", {}],
        ["read keys, preflighted", "/apikeys?includeValues=true", {"headers": {"X-A": "1"}}],
        ["read tables", "/", {"method": "POST", "headers": target, "body": "{}"}],
        ["create", "/2015-03-31/functions", {**created, "headers": plain}],
        ["create, opaque", "/2015-03-31/functions", {**created, "mode": "no-cors"}],
        ["invoke, opaque", invoked, {"method": "POST", "body": "{}", "mode": "no-cors"}],
        ["user by GET", "/" + query, {"mode": "no-cors"}],
        ["user by form", "/", {"method": "POST", "body": query[1:], "mode": "no-cors"}],
        ["wipe", "/_ministack/reset", {"method": "POST", "mode": "no-cors"}],
        ["data plane as API", "/_aws/execute-api/" + query, {"method": "POST"}],
        ["signed", "/2015-03-31/functions", {**created, "headers": {"Authorization": signed}}],
    ]


@pytest.fixture(name="visit", scope="module")
def _visit(served: Any) -> Iterator[Any]:
    """Return a function that opens the attacker's page under an origin of this machine."""
    del served  # is up before: both run an event loop
    options = [
        "--host-resolver-rules=MAP *.example 127.0.0.1",
        # The browser's own protection of local addresses, which others do not have.
        "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",
    ]
    if os.getuid() == 0:  # Chromium gives root no sandbox; it sees this machine's pages alone
        options.append("--no-sandbox")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=options, timeout=120_000
        )

        def visit(origin: str) -> Any:
            page = browser.new_context().new_page()
            page.set_default_timeout(120_000)
            served = {"content_type": "text/html", "body": "<title>kittens</title><body>"}
            page.route(f"{origin}/kittens", lambda route: route.fulfill(**served))
            page.goto(f"{origin}/kittens")
            return page

        yield visit


class _Permissive(BaseHTTPRequestHandler):
    """Answers every page, as MiniStack does by itself."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.end_headers()
        self.wfile.write(b"read")

    def log_message(self, *_: Any) -> None:
        """Stay quiet."""


def test_the_browser_itself_lets_the_attacks_through(visit: Any) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Permissive) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        attempts = [["read", "/", {}]]
        for page, base in (
            (visit(OTHER_SITE), f"http://127.0.0.1:{server.server_port}"),
            (visit(f"{REBOUND}:{server.server_port}"), ""),
        ):
            assert page.evaluate(_ATTACK, [base, attempts]) == {"read": [200, 4]}
        server.shutdown()


@pytest.fixture(name="items")
def _items(served: Any) -> Any:
    """Return the items before the test."""
    return served[1].items()


def _untouched(stack: local_stack.LocalStack, items: Any) -> None:
    """Assert that no attempt has left anything."""
    client = stack.emulator.client
    functions = client("lambda").list_functions()["Functions"]
    assert "evil" not in [function["FunctionName"] for function in functions]
    assert client("iam").list_users()["Users"] == []
    assert client("s3").list_buckets()["Buckets"] == []
    assert stack.items() == items and stack.emulator.failures() == []


def test_a_page_of_another_site_reads_and_changes_nothing(
    served: Any, items: Any, visit: Any
) -> None:
    _, stack = served
    page = visit(OTHER_SITE)
    for host in ("127.0.0.1", "localhost", "rebound.example"):
        base = f"http://{host}:{stack.emulator.port}"
        seen = page.evaluate(_ATTACK, [base, _attempts(stack)])
        # An opaque response has the status 0 and no body.
        assert {tuple(each) for each in seen.values()} <= {("refused", 0), (0, 0)}, seen
    _untouched(stack, items)


def test_a_rebound_page_reads_and_changes_nothing(served: Any, items: Any, visit: Any) -> None:
    console, stack = served
    page = visit(f"{REBOUND}:{stack.emulator.port}")
    seen = page.evaluate(_ATTACK, ["", _attempts(stack)])
    assert {status for status, _ in seen.values()} <= {421, 0}, seen
    _untouched(stack, items)
    page = visit(f"{REBOUND}:{console.port}")
    token = urlsplit(console.url).path
    paths = [[path, token + path, {}] for path in ("stack.json", "events", "openapi.json")]
    assert {s for s, _ in page.evaluate(_ATTACK, ["", paths]).values()} == {421}


def test_forms_tags_and_web_sockets_change_nothing(served: Any, items: Any, visit: Any) -> None:
    console, stack = served
    page = visit(OTHER_SITE)
    base = stack.emulator.url
    user = {"Action": "CreateUser", "UserName": "evil", "Version": "2010-05-08"}
    page.evaluate(_FORM, [f"{base}/", user])
    key = stack.emulator.credentials.access_key
    presigned = f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={key}%2F20260101%2Fx%2Fiam"
    query = "Action=CreateUser&UserName=evil&Version=2010-05-08"
    urls = [f"{base}/?{query}", f"{base}/?{query}&{presigned}%2Faws4_request&X-Amz-Signature=0"]
    page.evaluate(_TAGS, urls)
    report = int(console.environment["EPOCH_EVENTS_ADDRESS"].split()[0])
    tracer = int(stack.traces.address.rpartition(":")[2])
    for port in (stack.emulator.port, console.port, report, tracer):
        for path in ("/", "/_aws/execute-api/abc/dev"):
            assert page.evaluate(_SOCKET, f"ws://127.0.0.1:{port}{path}") == "refused"
    _untouched(stack, items)


def test_the_console_is_no_way_in(served: Any, items: Any, visit: Any) -> None:
    console, stack = served
    page = visit(OTHER_SITE)
    base, token = f"http://127.0.0.1:{console.port}", urlsplit(console.url).path
    send = {"method": "POST", "body": json.dumps({"queue": "q", "body": "x"})}
    attempts = [
        ["unknown token", f"/{'x' * 32}/", {}],
        ["page", token, {}],
        ["stack", f"{token}stack.json", {}],
        ["send", f"{token}send", send],
        ["send, opaque", f"{token}send", {**send, "mode": "no-cors"}],
        ["try", f"{token}try/epoch", {"method": "POST"}],
        ["try, opaque", f"{token}try/epoch", {"method": "POST", "mode": "no-cors"}],
    ]
    seen = page.evaluate(_ATTACK, [base, attempts])
    assert {tuple(each) for each in seen.values()} <= {("refused", 0), (0, 0)}, seen
    _untouched(stack, items)


def test_listeners_for_processes_ignore_pages(served: Any, visit: Any) -> None:
    console, stack = served
    page = visit(OTHER_SITE)
    report = int(console.environment["EPOCH_EVENTS_ADDRESS"].split()[0])
    tracer = int(stack.traces.address.rpartition(":")[2])
    for port in (report, tracer):
        attempts = [["get", "/", {}], ["post", "/", {"method": "POST", "mode": "no-cors"}]]
        seen = page.evaluate(_ATTACK, [f"http://127.0.0.1:{port}", attempts])
        assert set(map(tuple, seen.values())) == {("refused", 0)}
    # Both still work.
    if shown := samples.default_sample(load_endpoints()):
        assert stack.call().status in shown.responses
        news = console.request_log.changes_since(0, 10)
        assert news["requests"]
