"""Bodies, public endpoints and browsers: the requests that reach an endpoint, in a stack."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest

from tests.conftest import replace_service
from tests.unit.function.runtime.test_body import BAD, GOOD, JSON

ENDPOINTS = {
    "post_note.py": '''
"""POST /notes: store a note."""

from typing import Annotated

import msgspec

from function.runtime import dynamodb
from function.declare.endpoint import Response, Endpoint, Request
from function.declare.permission import TablePermission
from function.tables import THINGS


class Note(msgspec.Struct, forbid_unknown_fields=True):
    """A note."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    stars: Annotated[int, msgspec.Meta(ge=1, le=5)] = 3


class Kept(msgspec.Struct):
    """A note that is kept."""

    text: str
    stars: int


def keep(request: Request[Note]) -> Response:
    """Store the note."""
    item = {"id": {"S": request.body.text}, "stars": {"N": str(request.body.stars)}}
    dynamodb.call("put_item", THINGS, Item=item)
    return Response(status=201, body=Kept(text=request.body.text, stars=request.body.stars))


ENDPOINT = Endpoint(
    method="POST",
    path="/notes",
    summary="Keep a note.",
    handle=keep,
    body=Note,
    responses={201: Kept},
    permissions=(TablePermission(table=THINGS.name, actions=("dynamodb:PutItem",)),),
)
''',
    "put_raw.py": '''
"""PUT /raw: say what was sent."""

from typing import Any

from function.declare.endpoint import Response, Endpoint, Request

SENT = {
    "title": "Sent",
    "type": "object",
    "required": ["text"],
    "additionalProperties": False,
    "properties": {"text": {"type": "string", "minLength": 1, "maxLength": 200},
                   "stars": {"type": "integer", "minimum": 1, "maximum": 5}},
}


def say(request: Request[Any]) -> Response:
    """Answer what was sent."""
    return Response(status=200, body=request.body, headers={"Caller": request.api_key_name})


ENDPOINT = Endpoint(
    method="PUT", path="/raw", summary="Say it.", handle=say, body=SENT, responses={200: SENT}
)
''',
    "put_thing.py": '''
"""PUT /things/{id}: store whatever is sent."""

import msgspec

from function.runtime import dynamodb
from function.declare.endpoint import Response, Endpoint, Parameter, Request
from function.declare.permission import TablePermission
from function.tables import THINGS


class Data(msgspec.Struct, forbid_unknown_fields=True):
    """A thing of any size."""

    text: str = ""
    number: int = 0


def keep(request: Request[Data]) -> Response:
    """Store the thing."""
    item = {"id": {"S": request.path_parameters["id"]}, "text": {"S": request.body.text}}
    number = {"number": {"N": str(request.body.number)}}
    dynamodb.call("put_item", THINGS, Item=item | number)
    return Response(status=204, body=None)


ENDPOINT = Endpoint(
    method="PUT",
    path="/things/{id}",
    summary="Keep a thing.",
    handle=keep,
    body=Data,
    responses={204: None},
    path_parameters=(Parameter(name="id", description="Which."),),
    permissions=(TablePermission(table=THINGS.name, actions=("dynamodb:PutItem",)),),
)
''',
    "get_open.py": '''
"""GET /open: for everybody, and for pages of two origins."""

from function.declare.auth import Public
from function.declare.endpoint import Response, Endpoint, Request
from function.declare.problem import Problem


def show(request: Request) -> Response:
    """Answer, or refuse."""
    if "refuse" in request.query:
        raise Problem(409, request.api_key_id or "nobody")
    return Response(status=204, body=None)


ENDPOINT = Endpoint(
    method="GET",
    path="/open",
    summary="Show it.",
    handle=show,
    responses={204: None},
    problems={409: None},
    auth=Public(),
    cors=("https://a.example", "https://b.example"),
)
''',
}


# Runs in a copy of the project, until its input ends.
RUN = """
import json, sys
from local import local_stack
with local_stack.up("trial") as local:
    print(json.dumps({**local.outputs, "emulator": local.emulator.environment}), flush=True)
    sys.stdin.read()
"""


class Reply(NamedTuple):
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Stack(NamedTuple):
    """A running stack with the endpoints above."""

    outputs: Mapping[str, Any]

    def call(
        self, method: str, path: str, body: bytes | None = None, *, key: bool = True, **headers: str
    ) -> Reply:
        """Send a request; `headers` are named with `_` for `-`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key:
            sent["x-api-key"] = self.outputs["default_api_key"]
        url = self.outputs["api_url"] + path
        request = urllib.request.Request(url, data=body, headers=sent, method=method)
        # The library would claim a form where no type is given.
        if body is not None and "content-type" not in {name.lower() for name in sent}:
            request.add_unredirected_header("Content-Type", "")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return Reply(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as answer:
            with answer:
                return Reply(answer.code, answer.headers, answer.read())

    def stored(self) -> int:
        """Return the number of items in the table."""
        told = self.outputs["emulator"]
        client = boto3.client(
            "dynamodb",
            endpoint_url=told["AWS_ENDPOINT_URL"],
            region_name=told["AWS_REGION"],
            aws_access_key_id=told["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=told["AWS_SECRET_ACCESS_KEY"],
        )
        return int(client.scan(TableName=self.outputs["table_name"], Select="COUNT")["Count"])


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, copied: Callable[[Path], Path]
) -> Iterator[Stack]:
    """Bring a copy of the project up with the endpoints above."""
    copy = replace_service(copied(tmp_path_factory.mktemp("bodies")))
    for name, module in ENDPOINTS.items():
        (copy / "function" / "endpoints" / name).write_text(module.lstrip(), encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-c", RUN],
        cwd=copy,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdin and running.stdout
        yield Stack(json.loads(running.stdout.readline()))
        running.stdin.close()


def test_a_bad_body_is_a_problem_in_a_stack_and_stores_nothing(stack: Stack) -> None:
    assert stack.call("POST", "/notes", b'{"text": "a"}', Content_Type=JSON).status == 201
    before = stack.stored()
    for name, sent in BAD.items():
        for method, path in (("POST", "/notes"), ("PUT", "/raw")):
            reply = stack.call(method, path, sent, Content_Type=JSON)
            assert reply.status == 400, (name, path, reply)
            assert reply.headers["Content-Type"] == "application/problem+json"
    for content_type in ("text/plain", "", "application/xml"):
        reply = stack.call("POST", "/notes", GOOD, Content_Type=content_type)
        assert reply.status == 415, (content_type, reply)
    assert stack.call("POST", "/notes", b" " * 11_000_000, Content_Type=JSON).status == 413
    escapes = b'{"text": "' + b"\\u0041" * 830_000 + b'"}'  # 5 MB, which an event doubles
    for path in ("/notes", "/raw"):
        assert stack.call("POST", path, escapes, Content_Type=JSON).status in {400, 405, 413}
    assert stack.stored() == before


def test_a_bad_body_names_the_member_and_the_rule(stack: Stack) -> None:
    reply = stack.call("POST", "/notes", b'{"text": "a", "stars": 6}', Content_Type=JSON)
    said = "The body is not as documented: $.stars: Expected `int` <= 5"
    assert (reply.status, json.loads(reply.body)["detail"]) == (400, said)


@pytest.mark.parametrize(
    ("identity", "body", "status"),
    (
        ("a", {"text": "a", "number": 1}, 204),
        ("a" * 3_000, {}, 400),
        ("%E2%98%83" * 700, {}, 400),
        ("a", {"text": "a" * 450_000}, 413),
        ("a", {"text": "\N{SNOWMAN}" * 1_500_000}, 413),
        ("a", {"number": int("1" * 40)}, 400),
        ("a", {"number": int("9" * 400)}, 400),
    ),
    ids=("valid", "long key", "wide key", "large", "wide", "40 digits", "400 digits"),
)
def test_data_that_dynamodb_refuses_is_a_client_error(
    stack: Stack, identity: str, body: Any, status: int
) -> None:
    sent = json.dumps(body, ensure_ascii=False).encode()
    reply = stack.call("PUT", f"/things/{identity}", sent, Content_Type=JSON)
    assert reply.status == status, reply


def test_a_typed_body_and_a_typed_answer_go_through(stack: Stack) -> None:
    reply = stack.call("POST", "/notes", GOOD, Content_Type="application/json; charset=utf-8")
    assert (reply.status, json.loads(reply.body)) == (201, {"text": "ü 😀", "stars": 5})
    reply = stack.call("POST", "/notes", b'{"text": "b"}', Content_Type=JSON)
    assert json.loads(reply.body) == {"text": "b", "stars": 3}
    reply = stack.call("PUT", "/raw", b'{"text": "b"}', Content_Type=JSON)
    assert (reply.status, json.loads(reply.body)) == (200, {"text": "b"})
    assert reply.headers["Caller"] == "default"


def test_a_public_endpoint_needs_no_key_and_the_others_still_do(stack: Stack) -> None:
    assert stack.call("GET", "/open", key=False).status == 204
    assert json.loads(stack.call("GET", "/open?refuse").body)["detail"] == "nobody"
    assert stack.call("PUT", "/open", key=False).status == 405
    assert stack.call("POST", "/notes", GOOD, key=False, Content_Type=JSON).status == 403
    assert stack.call("GET", "/notes", key=False).status == 403


@pytest.mark.parametrize(
    ("origin", "allowed"),
    (
        ("https://a.example", "https://a.example"),
        ("https://b.example", "https://b.example"),
        ("https://evil.example", None),
    ),
)
def test_a_page_of_a_declared_origin_may_read_every_answer(
    stack: Stack, origin: str, allowed: str | None
) -> None:
    preflight = stack.call(
        "OPTIONS", "/open", key=False, Origin=origin, Access_Control_Request_Method="GET"
    )
    assert preflight.status == 204
    assert preflight.headers["Access-Control-Allow-Methods"] == "GET"
    # An unknown origin is shown the first one, which its browser takes for a refusal.
    assert preflight.headers["Access-Control-Allow-Origin"] == (allowed or "https://a.example")
    for path, status in (("/open", 204), ("/open?refuse=1", 409)):
        reply = stack.call("GET", path, key=False, Origin=origin)
        assert reply.status == status
        assert reply.headers.get("Access-Control-Allow-Origin") == allowed
        assert reply.headers["Vary"] == "Origin"
    of_gateway = stack.call("GET", "/nowhere", key=False, Origin=origin)
    assert of_gateway.headers["Access-Control-Allow-Origin"] == "*"
