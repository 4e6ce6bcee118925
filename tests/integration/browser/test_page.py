"""The console in a real browser: `make test-browser`."""

import json
import os
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from console.console import Console
from function.declare.auth import ApiKey
from function.declare.registry import load_endpoints
from local import local_stack
from openapi import samples

sync_api = pytest.importorskip("playwright.sync_api", reason="make test-browser brings it")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")

CHROMIUM = shutil.which("chromium") or ""
if not CHROMIUM:
    pytest.skip("needs Debian's chromium", allow_module_level=True)

# The call that all of it is about: a sample that wants a key and writes to a table.
CALLED = samples.default_sample(load_endpoints())
if not (CALLED and samples.table(CALLED) and isinstance(CALLED.auth, ApiKey)):
    pytest.skip("needs a sample that writes, and wants a key", allow_module_level=True)

EVIL = "<script>window.hit=1</script><img src=x onerror=window.hit=1>"
VIEWS = ("requests", "api", "stack", "metrics")

# A limit for a busy machine, where nothing is wrong.
_PATIENCE_MS = 120_000

Served = tuple[Console, local_stack.LocalStack]


@pytest.fixture(scope="module")
def browser(served: Served) -> Iterator[Any]:
    """Return a headless Chromium; after the stack is up, as both run an event loop."""
    assert served[1].call().status in CALLED.responses
    with sync_api.sync_playwright() as playwright:
        # CI is root, whom Chromium gives no sandbox; it sees this machine's own pages alone.
        options = [] if os.getuid() else ["--no-sandbox"]
        yield playwright.chromium.launch(
            executable_path=CHROMIUM, args=options, timeout=_PATIENCE_MS
        )


@pytest.fixture(params=["light"])
def page(browser: Any, request: Any) -> Iterator[Any]:
    """Return a page that may say nothing in the browser's console and ask nobody but loopback."""
    scheme, _, width = request.param.partition("-")
    size = {"width": int(width or 1280), "height": 800}
    context = browser.new_context(color_scheme=scheme, viewport=size)
    context.set_default_timeout(_PATIENCE_MS)
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else 0)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda asked: said.append(asked.url) if "//127." not in asked.url else 0)
    page.expected = []
    yield page
    context.close()
    assert [line for line in said if not any(each in line for each in page.expected)] == []


def _open(page: Any, served: Served, view: str = "requests") -> None:
    console, _ = served
    page.goto(f"{console.url}#/{view}")
    shown = {"requests": ".requests li", "api": ".opblock", "stack": "details", "metrics": "figure"}
    page.locator(shown[view]).first.wait_for()


def _call(page: Any, local: local_stack.LocalStack) -> Any:
    """Make the sample call; return its row once the page lists it, above all others."""
    newest = page.locator(".requests a").first.get_attribute("href")
    assert local.call().status in CALLED.responses
    row = page.locator(f".requests li:first-child a:not([href='{newest}'])")
    row.wait_for()
    return row


def _choose(page: Any, text: str) -> None:
    """Open the newest request with a text by its address: further requests may move its row."""
    address = page.locator(".requests a", has_text=text).first.get_attribute("href")
    page.evaluate("address => { location.hash = address }", address)


@pytest.mark.parametrize("page", ["light", "dark", "light-400", "dark-400"], indirect=True)
def test_every_view_is_whole_and_reachable(page: Any, served: Served) -> None:
    for view in VIEWS:
        _open(page, served, view)
        assert page.locator("nav a[aria-current]").inner_text().lower() == view
        assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
        own = {"exclude": [["#viewer"]]}  # Swagger UI's parts are its makers'
        found = axe.Axe().run(page, context=own).response["violations"]
        serious = [each for each in found if each["impact"] in {"serious", "critical"}]
        assert not serious, json.dumps(serious, indent=1)[:3000]


def test_graphs_are_drawn_of_what_happened(page: Any, served: Served) -> None:
    _open(page, served, "metrics")
    for title in ("API: calls", "Function: invocations", f"{CALLED.route}: responses by outcome"):
        page.locator("figure", has_text=title).locator("circle").first.wait_for()
    assert page.locator(".alarms .status", has_text="OK").count()


def test_a_row_that_changes_keeps_the_focus(page: Any, served: Served) -> None:
    _open(page, served)
    page.locator(".requests a").first.focus()
    text = page.evaluate(
        """async () => {
          const { add } = await import(new URL("page/requests.js", document.baseURI));
          const id = decodeURIComponent(document.activeElement.hash.split("/")[2]);
          add([{ id, at: 0, method: "GET", path: "/changed", status: 200, ms: 1 }]);
          await new Promise(requestAnimationFrame);
          return document.activeElement.closest("li")?.textContent;
        }"""
    )
    assert text and "/changed" in text


def test_it_is_used_with_the_keyboard_alone(page: Any, served: Served) -> None:
    _, local = served
    _open(page, served)
    for _ in range(2):  # other tests add requests that never happened
        _call(page, local)
    page.locator(".requests a").first.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator(".detail h2").wait_for()
    assert page.locator(".requests li:nth-child(2) a[aria-current]").count() == 1


def test_a_call_is_tried_with_the_stacks_key_and_without(page: Any, served: Served) -> None:
    page.expected = ["403"]  # the browser's own word on the answer
    _open(page, served, "api")
    call = page.locator(f"#operations-default-{CALLED.operation_id}")
    status = call.locator(".live-responses-table tr.response td")
    call.locator("button.execute").click()
    status.filter(has_text=re.compile("|".join(map(str, CALLED.responses)))).first.wait_for()
    assert "request duration" in call.locator(".live-responses-table").inner_text().lower()
    page.locator("button.authorize").first.click()
    page.locator(".auth-container button", has_text="Logout").first.click()
    page.locator(".btn-done").first.click()
    call.locator("button.execute").click()
    status.filter(has_text="403").first.wait_for()


def test_a_token_is_filled_in(page: Any, served: Served) -> None:
    console, _ = served
    page.expected = ["403"]  # the sample wants a key
    spec = page.request.get(f"{console.url}openapi.json").json()
    spec["components"]["securitySchemes"] = {"jwt": {"type": "http", "scheme": "bearer"}}
    spec["paths"][CALLED.path][CALLED.method.lower()]["security"] = [{"jwt": []}]
    page.route("**/openapi.json", lambda route: route.fulfill(json=spec))
    page.route("**/credentials.json", lambda route: route.fulfill(json={"jwt": "the-token"}))
    _open(page, served, "api")
    call = page.locator(f"#operations-default-{CALLED.operation_id}")
    with page.expect_request("**/try/**") as sent:
        call.locator("button.execute").click()
    assert sent.value.headers["authorization"] == "Bearer the-token"


def test_a_request_appears_by_itself_and_opens(page: Any, served: Served) -> None:
    _, local = served
    _open(page, served)
    _call(page, local).click()
    page.locator(".waterfall li", has_text="DynamoDB").first.wait_for()
    detail = page.locator(".detail")
    for title in ("Trace", "DynamoDB", "Log line", "Request", "Response"):
        assert detail.locator("h3", has_text=title).first.is_visible()
    stored = detail.locator("[aria-label='Stored item']").first.inner_text()
    assert json.loads(stored) in local.items()
    assert local.outputs["default_api_key"] not in detail.inner_text()


@contextmanager
def _plan_of_one_call(local: local_stack.LocalStack) -> Iterator[None]:
    """Let each usage plan take one call a second meanwhile."""
    gateway = local.emulator.client("apigateway")
    plans = gateway.get_usage_plans()["items"]

    def limit(plan: str, rate: float, burst: int) -> None:
        values = {"rateLimit": rate, "burstLimit": burst}
        changes = [
            {"op": "replace", "path": f"/throttle/{name}", "value": str(value)}
            for name, value in values.items()
        ]
        gateway.update_usage_plan(usagePlanId=plan, patchOperations=changes)

    for plan in plans:
        limit(plan["id"], 1, 1)
    try:
        yield
    finally:
        for plan in plans:
            limit(plan["id"], plan["throttle"]["rateLimit"], plan["throttle"]["burstLimit"])


def test_refusals_tell_their_reason(page: Any, served: Served) -> None:
    _, local = served
    _open(page, served)
    assert local.call(key="wrong-key-that-is-long-enough").status == 403
    assert local.call(path="/nowhere").status == 404
    large = urllib.request.Request(local.outputs["sample_url"], data=b"x" * 10_500_000)
    with pytest.raises(urllib.error.HTTPError, match="413"), urllib.request.urlopen(large):
        pass
    with _plan_of_one_call(local):
        assert 429 in {local.call().status for _ in range(20)}
    for reason in (
        "INVALID_API_KEY",
        "MISSING_AUTHENTICATION_TOKEN",
        "REQUEST_TOO_LARGE",
        "THROTTLED",
    ):
        _choose(page, reason)
        page.locator(".detail .box", has_text=reason).wait_for()


def test_what_iam_refuses_names_the_statement_that_would_allow_it(
    page: Any, served: Served
) -> None:
    _, local = served
    iam = local.emulator.client("iam")
    function = local.emulator.client("lambda").get_function_configuration(
        FunctionName=local.outputs["function_name"]
    )
    role = {"RoleName": function["Role"].rpartition("/")[2]}
    denied = {"Effect": "Deny", "Action": "dynamodb:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
    _open(page, served)
    iam.put_role_policy(**role, PolicyName="deny", PolicyDocument=document)
    try:
        assert local.call().status == 500
    finally:
        iam.delete_role_policy(**role, PolicyName="deny")
    _choose(page, "500")
    box = page.locator(".detail .box", has_text="IAM denied dynamodb:")
    box.wait_for()
    assert (
        '"Effect": "Allow"' in box.inner_text() and local.outputs["table_name"] in box.inner_text()
    )
    failure = page.locator(".detail .box", has_text="AccessDenied")
    failure.wait_for()
    assert ", line " in failure.inner_text()


def test_a_reload_and_an_error_in_the_code_are_told(page: Any, served: Served) -> None:
    console, _ = served
    _open(page, served)
    console.request_log.notice("error", "function/main.py, line 3: NameError: x" + EVIL)
    page.locator(".notice.error", has_text="function/main.py, line 3").wait_for()
    console.request_log.notice("info", "Function reloaded")
    page.locator(".notice", has_text="Function reloaded").wait_for()
    assert page.locator(".notice.error").count() == 0
    assert page.evaluate("window.hit") is None


def test_a_job_shows_the_traceback_of_its_last_run(
    page: Any, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    console, local = served
    monkeypatch.setitem(local.outputs, "job_functions", {"tidy": "tidy-function"})
    frames = ['File "/tmp/code-1/function/jobs/tidy.py", line 7, in tidy', "    fail()" + EVIL]
    error = {"errorType": "LookupError", "errorMessage": "no note" + EVIL, "stackTrace": frames}
    report = {"kind": "log", "at": 1.0, "function": "tidy-function", "lines": [json.dumps(error)]}
    console.request_log.add(report)
    _open(page, served, "stack")
    page.locator("details summary", has_text=re.compile("^tidy$")).click()
    box = page.locator(".box.bad", has_text="LookupError: no note<script>")
    box.wait_for()
    assert "function/jobs/tidy.py, line 7" in box.inner_text() and "fail()" in box.inner_text()
    assert page.evaluate("window.hit") is None


def test_what_a_client_sends_is_text(page: Any, served: Served) -> None:
    _, local = served
    _open(page, served)
    evil = {"User-Agent": EVIL, "X-Evil": EVIL, "Idempotency-Key": EVIL}
    replies = [
        local.call(evil),
        local.call(evil, path="/%3Cscript%3Ewindow.hit=1%3C%2Fscript%3E"),
        local.call(
            {**evil, "Content-Type": "application/json"}, path=f"{CALLED.path}?a=%3Cscript%3E"
        ),
    ]
    name = local.outputs["table_name"]
    item = {**local.items()[0], EVIL: {"S": EVIL}}
    local.emulator.client("dynamodb").put_item(TableName=name, Item=item)
    page.locator(".requests a", has_text="<script>").first.wait_for()
    for index in range(len(replies)):
        page.locator(".requests a").nth(index).click()
        page.locator(".detail dd", has_text="<script>").first.wait_for()
    _open(page, served, "stack")
    page.locator("details summary", has_text=re.compile(f"^{name} .* items")).click()
    page.locator("td", has_text="<script>").first.wait_for()
    assert page.evaluate("window.hit") is None
    assert page.locator("main script, main img[src=x]").count() == 0


def test_pictures_of_it(page: Any, served: Served) -> None:
    """EPOCH_SCREENSHOTS=docs keeps them."""
    if not (folder := os.environ.get("EPOCH_SCREENSHOTS")):
        pytest.skip("only EPOCH_SCREENSHOTS=folder takes them")
    _, local = served
    for _ in range(6):
        local.call()
    local.call(key="wrong-key-that-is-long-enough")
    _open(page, served)
    _call(page, local).click()
    page.locator(".waterfall li").nth(1).wait_for()
    page.wait_for_timeout(500)
    page.screenshot(path=Path(folder, "console-requests.png"))
    _open(page, served, "api")
    page.locator("button.execute").first.click()
    page.locator(".live-responses-table").wait_for()
    page.locator(".btn-group").first.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    page.screenshot(path=Path(folder, "console-api.png"))
