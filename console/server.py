"""Serves the console to this machine; every request needs the token and the page's origin."""

import json
import logging
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flask
import flask_swagger_ui
from werkzeug.serving import make_server

from console import views
from console.console import Console
from local import local_stack

_PAGE = Path(__file__).parent / "page"
_VIEWER = Path(flask_swagger_ui.__file__).parent / "dist"

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

# Seconds between two batches of changes, and until a message that keeps the connection open.
_BATCH_S, _KEEP_ALIVE_S = 0.1, 15

# A proxy drops these (RFC 9110, 7.6.1); the last ones describe the page and not the call.
_HOP = frozenset(
    {"connection", "content-length", "cookie", "host", "keep-alive", "origin", "referer"}
    | {"te", "trailer", "transfer-encoding", "upgrade"}
)


def _events(console: Console, since: int) -> Iterator[str]:
    while True:
        changes = console.request_log.changes_since(since, _KEEP_ALIVE_S)
        since = changes["number"]
        if changes["requests"] or changes["notices"]:
            yield f"id: {since}\ndata: {json.dumps(changes)}\n\n"
        else:
            yield ": no change\n\n"
        time.sleep(_BATCH_S)


def _forward(base: str) -> flask.Response:
    """Forward a request of the page to the API, which has another origin."""
    sent = flask.request
    target = sent.environ["REQUEST_URI"].partition("/try/")[2]  # undecoded
    headers = {k: v for k, v in sent.headers if k.lower() not in _HOP and not k.startswith("Sec-")}
    # Not urllib3.request, which gives up after 3 seconds.
    response = local_stack.HTTP.request(
        sent.method, f"{base}/{target}", headers=headers, body=sent.get_data()
    )
    passed = [(k, v) for k, v in response.headers.items() if k.lower() not in _HOP]
    # The browser must not run a response of the API as a page of this origin.
    return flask.Response(
        response.data,
        status=response.status,
        headers=[
            *passed,
            ("Content-Security-Policy", "sandbox"),
            ("X-Content-Type-Options", "nosniff"),
        ],
    )


def application(console: Console, local: local_stack.LocalStack) -> flask.Flask:
    """Return the Flask application of the console."""
    app = flask.Flask("console", static_folder=None)
    setattr(app.json, "sort_keys", False)
    hosts = {f"{name}:{console.port}" for name in ("127.0.0.1", "localhost")}
    stack = views.Stack(console=console, local=local)

    def authorize() -> None:
        sent = flask.request
        if sent.host not in hosts:
            flask.abort(421)  # DNS rebinding
        own = sent.headers.get("Origin", f"http://{sent.host}") == f"http://{sent.host}"
        if not own or sent.headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"}:
            # A link from another site to the page is harmless.
            if sent.headers.get("Sec-Fetch-Mode") != "navigate" or sent.method != "GET":
                flask.abort(403)
        token = (sent.view_args or {}).pop("token", "")
        if not secrets.compare_digest(token.encode(), console.token.encode()):
            flask.abort(404)

    def add_headers(reply: flask.Response) -> flask.Response:
        if flask.request.endpoint != "try":
            reply.headers.update(_HEADERS)
        return reply

    app.before_request(authorize)
    app.after_request(add_headers)

    def route(path: str, view: Any, **options: Any) -> None:
        name = path.partition("/")[0] or "index"
        app.add_url_rule(f"/<token>/{path}", name, view, **options)

    route("", lambda: flask.send_from_directory(_PAGE, "index.html"))
    route("page/<path:name>", lambda name: flask.send_from_directory(_PAGE, name))
    route("viewer/<path:name>", lambda name: flask.send_from_directory(_VIEWER, name))
    route("openapi.json", stack.document)
    route("credentials.json", stack.credentials)
    route("stack.json", stack.resources)
    route("secret.json", lambda: stack.secret(**flask.request.args.to_dict()))
    route("architecture.svg", lambda: flask.Response(stack.picture(), mimetype="image/svg+xml"))
    route("tables.json", stack.tables)
    route("items.json", lambda: stack.items(**flask.request.args.to_dict()))
    route("metrics.json", stack.metrics)
    route("jobs.json", stack.jobs_and_queues)
    route("run", lambda: stack.run(**flask.request.get_json()), methods=["POST"])
    route("send", lambda: stack.send(**flask.request.get_json()), methods=["POST"])

    def request(identity: str) -> Any:
        return console.request_log.request(identity, local.traces) or flask.abort(404)

    route("requests/<identity>", request)

    def events() -> flask.Response:
        since = int(flask.request.headers.get("Last-Event-ID", 0))
        return flask.Response(_events(console, since), mimetype="text/event-stream")

    route("events", events)
    methods = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
    route("try/<path:path>", lambda **_: _forward(stack.api), methods=methods)
    return app


def run(console: Console, local: local_stack.LocalStack) -> None:
    """Serve until the process ends."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    make_server(
        "127.0.0.1",
        console.port,
        application(console, local),
        threaded=True,
        fd=console.socket.fileno(),
    ).serve_forever()
