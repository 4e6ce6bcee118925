"""Serves the console: to this machine, to no other site's page, and to who knows the token."""

import json
import logging
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flask
import flask_swagger_ui
import urllib3
from werkzeug.serving import make_server

from console import views
from console.console import Console
from local import stack as local_stack

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

# Between two batches of news, and after what time a reader hears that nothing is new.
_BATCH_S, _QUIET_S = 0.1, 15

# Not a proxy's to pass on (RFC 9110, 7.6.1), or the browser's about the page and not the call.
_HOP = frozenset(
    {"connection", "content-length", "cookie", "host", "keep-alive", "origin", "referer"}
    | {"te", "trailer", "transfer-encoding", "upgrade"}
)


def _events(console: Console, since: int) -> Iterator[str]:
    while True:
        news = console.record.news(since, _QUIET_S)
        since = news["number"]
        if news["requests"] or news["notices"]:
            yield f"id: {since}\ndata: {json.dumps(news)}\n\n"
        else:
            yield ": quiet\n\n"
        time.sleep(_BATCH_S)


def _proxied(base: str) -> flask.Response:
    """Send a request of the page on to the API, whose answer no other origin could read."""
    sent = flask.request
    target = sent.environ["REQUEST_URI"].partition("/try/")[2]  # with what is encoded in it
    headers = {k: v for k, v in sent.headers if k.lower() not in _HOP and not k.startswith("Sec-")}
    answer = urllib3.request(
        sent.method, f"{base}/{target}", headers=headers, body=sent.get_data(), retries=False
    )
    passed = [(k, v) for k, v in answer.headers.items() if k.lower() not in _HOP]
    # What the API answers is never a page of this origin.
    return flask.Response(
        answer.data,
        status=answer.status,
        headers=[
            *passed,
            ("Content-Security-Policy", "sandbox"),
            ("X-Content-Type-Options", "nosniff"),
        ],
    )


def application(console: Console, local: local_stack.LocalStack) -> flask.Flask:
    """Return the console's application."""
    app = flask.Flask("console", static_folder=None)
    setattr(app.json, "sort_keys", False)
    hosts = {f"{name}:{console.port}" for name in ("127.0.0.1", "localhost")}
    stack = views.Stack(console=console, local=local)

    def admit() -> None:
        sent = flask.request
        if sent.host not in hosts:
            flask.abort(421)  # a name that was bound to this address
        own = sent.headers.get("Origin", f"http://{sent.host}") == f"http://{sent.host}"
        if not own or sent.headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"}:
            # A link to the page is no request of a page.
            if sent.headers.get("Sec-Fetch-Mode") != "navigate" or sent.method != "GET":
                flask.abort(403)
        token = (sent.view_args or {}).pop("token", "")
        if not secrets.compare_digest(token.encode(), console.token.encode()):
            flask.abort(404)

    def protect(reply: flask.Response) -> flask.Response:
        if flask.request.endpoint != "try":
            reply.headers.update(_HEADERS)
        return reply

    app.before_request(admit)
    app.after_request(protect)

    def route(path: str, view: Any, **options: Any) -> None:
        name = path.partition("/")[0] or "index"
        app.add_url_rule(f"/<token>/{path}", name, view, **options)

    route("", lambda: flask.send_from_directory(_PAGE, "index.html"))
    route("page/<path:name>", lambda name: flask.send_from_directory(_PAGE, name))
    route("viewer/<path:name>", lambda name: flask.send_from_directory(_VIEWER, name))
    route("openapi.json", stack.document)
    route("stack.json", stack.resources)
    route("secret.json", lambda: stack.secret(**flask.request.args.to_dict()))
    route("architecture.svg", lambda: flask.Response(stack.picture(), mimetype="image/svg+xml"))
    route("tables.json", stack.tables)
    route("table.json", lambda: stack.table(**flask.request.args.to_dict()))
    route("metrics.json", stack.metrics)
    route("work.json", stack.work)
    route("run", lambda: stack.run(**flask.request.get_json()), methods=["POST"])
    route("send", lambda: stack.send(**flask.request.get_json()), methods=["POST"])

    def request(identity: str) -> Any:
        return console.record.request(identity, local.traces) or flask.abort(404)

    route("requests/<identity>", request)

    def events() -> flask.Response:
        since = int(flask.request.headers.get("Last-Event-ID", 0))
        return flask.Response(_events(console, since), mimetype="text/event-stream")

    route("events", events)
    methods = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
    route("try/<path:path>", lambda **_: _proxied(stack.api), methods=methods)
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
