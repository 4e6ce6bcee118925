"""Parsing of request bodies and of typed parameters."""

import base64
import enum
import json
from typing import Annotated, Any, Literal

import msgspec
import pytest

from console import commands
from function.declare.endpoint import Request, Response
from function.declare.problem import Problem
from function.declare.schema import Form, Raw
from function.runtime import api_handler
from function.runtime import body as bodies
from tests.fixtures import notes


class Note(msgspec.Struct, forbid_unknown_fields=True):
    """The body that the cases are read as."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    stars: Annotated[int, msgspec.Meta(ge=1, le=5)] = 3


# Each body that the declaration refuses, as bytes.
BAD = {
    "nothing": b"",
    "no JSON": b"not json",
    "text after it": b'{"text": "a"} b',
    "a wrong type": b'{"text": 1}',
    "a missing member": b'{"stars": 1}',
    "an extra member": b'{"text": "a", "more": 1}',
    "an array": b'[{"text": "a"}]',
    "null": b"null",
    "out of range": b'{"text": "a", "stars": 6}',
    "a boolean for a number": b'{"text": "a", "stars": true}',
    "10,000 digits": b'{"text": "a", "stars": ' + b"1" * 10_000 + b"}",
    "a huge exponent": b'{"text": "a", "stars": 1e999}',
    "NaN": b'{"text": "a", "stars": NaN}',
    "100,000 deep": b'{"text": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "invalid UTF-8": b'{"text": "\xff"}',
    "a lone surrogate": b'{"text": "\\ud800"}',
    "a control character": b'{"text": "\x01"}',
}


GOOD = b'{"text": "\xc3\xbc \\ud83d\\ude00", "stars": 5}'
JSON = "application/json"


@pytest.mark.parametrize("sent", BAD.values(), ids=BAD)
def test_what_is_not_declared_never_reaches_an_endpoint(sent: bytes) -> None:
    as_api_gateway = sent.decode("utf-8", "replace").encode()
    for content_type, body in ((JSON, sent), ("application/json; charset=utf-8", as_api_gateway)):
        with pytest.raises(Problem) as raised:
            bodies.parse(Note, content_type, body)
        assert raised.value.status == 400 and len(raised.value.detail) <= 210


@pytest.mark.parametrize(
    "content_type",
    (
        *("", "text/plain", "json", "application/json, text/plain"),
        *(
            f"application/json; {parameters}"
            for parameters in (
                *("charset=iso-8859-1", 'charset="utf-16"', "version=1; charset=latin1"),
                *(
                    "CHARSET=us-ascii",
                    "charset=utf-8; charset=latin1",
                    "charset=",
                    "charset=utf-80",
                ),
            )
        ),
    ),
)
def test_another_media_type_or_encoding_is_415_whatever_is_in_it(content_type: str) -> None:
    for sent in (GOOD, b"not json"):
        with pytest.raises(Problem) as raised:
            bodies.parse(Note, content_type, sent)
        assert raised.value.status == 415


@pytest.mark.parametrize(
    "parameters",
    (
        *("", ";", ";charset=utf8", "; charset=UTF-8", ';charset="utf-8"', ";version=1"),
        *(" ; charset = utf-8", "; a=1; b=2;", ";v"),
    ),
)
def test_a_declared_body_is_read_whatever_the_other_parameters(parameters: str) -> None:
    for content_type in (f"application/json{parameters}", f"Application/JSON{parameters}"):
        assert bodies.parse(Note, content_type, GOOD) == Note(text="ü 😀", stars=5)


class Line(msgspec.Struct, forbid_unknown_fields=True):
    """A part of a body."""

    count: Annotated[int, msgspec.Meta(ge=1)] = 1
    colour: Literal["red", "blue"] = "red"
    price: Annotated[float, msgspec.Meta(multiple_of=0.01)] = 1


class Order(msgspec.Struct, forbid_unknown_fields=True):
    """A body with parts."""

    lines: list[Line]


@pytest.mark.parametrize(
    ("sent", "reason"),
    (
        ("{}", "$: Object missing required field `lines`"),
        ('{"lines": [{}, {"count": "s3cret"}]}', "$.lines[1].count: Expected `int`, got `str`"),
        ('{"lines": [{"colour": "s3cret - at `$.x`"}]}', "$.lines[0].colour: Invalid enum value"),
        (f'{{"lines": [{{"price": {"9" * 400}}}]}}', "$.lines[0].price: Number out of range"),
        ('{"lines": [{"price": 1e308}]}', "$.lines[0].price: Expected `float` that's a multiple"),
        ('{"lines": [', "$: Input data was truncated"),
    ),
)
def test_a_problem_and_the_log_name_the_member_and_its_rule_but_never_the_value(
    sent: str, reason: str
) -> None:
    with pytest.raises(Problem) as raised:
        bodies.parse(Order, JSON, sent.encode())
    problem = raised.value
    assert problem.status == 400 and problem.log_fields["bodyError"] == problem.detail
    assert problem.detail.startswith(f"The body is not as documented: {reason}")
    assert "s3cret" not in problem.detail and "999" not in problem.detail


def test_only_the_client_is_told_the_name_of_an_unknown_member() -> None:
    with pytest.raises(Problem, match="unknown field `s3cret`") as raised:
        bodies.parse(Order, JSON, b'{"lines": [], "s3cret": 1}')
    assert "s3cret" not in str(raised.value.log_fields)


def test_the_log_line_and_the_terminal_show_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_handler, "body", bodies, raising=False)
    declared = notes.endpoint(method="POST", path="/orders", path_parameters=(), body=Order)
    event = {"body": '{"lines": 1}', "headers": {"Content-Type": JSON}}
    (line,) = notes.lines(lambda: notes.call(declared, **event))
    assert line["status"] == 400
    assert (
        line["bodyError"] == "The body is not as documented: $.lines: Expected `array`, got `int`"
    )
    assert line["bodyError"] in commands._brief(line)


RAW = Raw("application/json")


def _post(declared: Any, sent: bytes, content_type: str, **changes: Any) -> Any:
    """Return the request that a handler receives, or the response without one."""
    seen: list[Request[Any]] = []

    def handle(request: Request[Any]) -> Response:
        seen.append(request)
        return Response(200, {})

    endpoint = notes.endpoint(method="POST", body=declared, handle=handle, **changes)
    event = {"body": base64.b64encode(sent).decode(), "isBase64Encoded": True}
    answer = notes.call(endpoint, **event, headers={"Content-Type": content_type})
    return seen[0] if seen else answer


@pytest.fixture(autouse=True)
def _parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_handler, "body", bodies, raising=False)


@pytest.mark.parametrize(
    ("declared", "content_type", "sent"),
    (
        (RAW, JSON, b'{"a": 1,  "a": 2}'),
        (Raw("image/*"), "image/png", b"\x89PNG\xff"),
        (Raw("*/*"), "", b"\x00\xff"),
        (Raw("text/csv"), "text/csv; charset=latin1", b"\xe4"),
    ),
)
def test_a_raw_body_is_the_bytes_that_the_client_sent(
    declared: Raw, content_type: str, sent: bytes
) -> None:
    request = _post(declared, sent, content_type)
    assert request.body == request.raw_body == sent


def test_a_typed_body_has_its_bytes_too() -> None:
    request = _post(Note, GOOD, JSON)
    assert request.body.stars == 5 and request.raw_body == GOOD


def test_a_raw_body_has_its_media_type_and_at_most_its_bytes() -> None:
    answer = _post(Raw("image/*"), b"x", "text/plain")
    assert answer["statusCode"] == 415 and "send image/*." in answer["body"]
    assert _post(RAW, b"x" * 10, JSON, max_body_bytes=10).body == b"x" * 10
    assert _post(RAW, b"x" * 11, JSON, max_body_bytes=10)["statusCode"] == 413


class Signup(msgspec.Struct, forbid_unknown_fields=True):
    """The fields of a form."""

    name: Annotated[str, msgspec.Meta(min_length=1)]
    age: Annotated[int, msgspec.Meta(ge=18)]
    topics: list[Literal["news", "offers"]] = []
    agreed: bool = False


FORM = "application/x-www-form-urlencoded"


def test_a_form_is_a_value_of_its_type() -> None:
    sent = b"name=J%C3%BCrg+B&age=20&topics=news&topics=offers&agreed=true"
    assert _post(Form(Signup), sent, f"{FORM}; charset=UTF-8").body == Signup(
        "Jürg B", 20, ["news", "offers"], True
    )


@pytest.mark.parametrize(
    ("sent", "says"),
    (
        (b"age=20", "missing required field `name`"),
        (b"name=a&age=17", "$.age: Expected `int` >= 18"),
        (b"name=a&age=20&more=1", "unknown field `more`"),
        (b"name=a&age=20&topics=x", "$.topics[0]: Invalid enum value"),
        (b"name=%FF&age=20", "'utf-8' codec can't decode"),
    ),
)
def test_a_form_of_another_type_is_a_400_that_names_the_field(sent: bytes, says: str) -> None:
    answer = _post(Form(Signup), sent, FORM)
    assert answer["statusCode"] == 400 and says in json.loads(answer["body"])["detail"]


class Change(msgspec.Struct, forbid_unknown_fields=True):
    """A change of a note: an absent member stays, null removes it."""

    stars: int | None | msgspec.UnsetType = msgspec.UNSET


def test_absent_null_and_value_are_told_apart() -> None:
    sent = (b"{}", b'{"stars": null}', b'{"stars": 3}')
    changes = [_post(Change, body, JSON).body for body in sent]
    assert changes == [Change(), Change(stars=None), Change(stars=3)]


def test_an_array_is_a_body_of_a_list() -> None:
    assert _post(list[Note], b'[{"text": "a"}]', JSON).body == [Note("a")]
    assert "$[0]: " in _post(list[Note], b'[{"stars": 1}]', JSON)["body"]


class Direction(enum.Enum):
    """The order of a list."""

    NEWEST = "newest"
    OLDEST = "oldest"


class Listing(msgspec.Struct):
    """The query of a list."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20
    order: Direction = Direction.NEWEST
    tag: list[str] = []
    above: float | None = None


class Sent(msgspec.Struct, rename={"max_age": "X-Max-Age", "tags": "X-Tags"}):
    """The headers of a request."""

    max_age: int
    tags: list[str] = []


class Place(msgspec.Struct):
    """The path of a request."""

    id: Annotated[int, msgspec.Meta(ge=1)]


TYPED = {"query": Listing, "request_headers": Sent, "path_parameters": Place}


def _get(query: dict[str, list[str]], headers: dict[str, str], path: str = "1") -> Any:
    seen: list[Any] = []

    def handle(request: Request[Any]) -> Response:
        seen.extend(request.parsed(kind) for kind in TYPED.values())
        return Response(200, {})

    answer = notes.call(
        notes.endpoint(handle=handle, **TYPED),
        multiValueQueryStringParameters=query,
        headers=headers,
        pathParameters={"id": path},
    )
    return seen or json.loads(answer["body"])


def test_parameters_are_values_of_their_types() -> None:
    found = _get({"limit": ["5", "7"], "order": ["oldest"], "tag": ["a", "b"]}, {"x-max-age": "9"})
    assert found == [Listing(7, Direction.OLDEST, ["a", "b"]), Sent(9), Place(1)]
    found = _get({"other": ["1"]}, {"X-Max-Age": "9", "X-Tags": "a , b,c"}, "7")
    assert found == [Listing(), Sent(9, ["a", "b", "c"]), Place(7)]


@pytest.mark.parametrize(
    ("query", "headers", "path", "says"),
    (
        ({"limit": ["0"]}, {"x-max-age": "9"}, "1", "query is not as documented: $.limit: "),
        ({"limit": [""]}, {"x-max-age": "9"}, "1", "$.limit: Expected `int`, got `str`"),
        ({"order": ["up"]}, {"x-max-age": "9"}, "1", "$.order: Invalid enum value"),
        ({"above": ["nan"]}, {"x-max-age": "9"}, "1", "query is not as documented: "),
        ({}, {}, "1", "header is not as documented: $: Object missing required field `X-Max-Age`"),
        ({}, {"x-max-age": "9"}, "x", "path is not as documented: $.id: Expected `int`"),
    ),
)
def test_a_400_names_the_parameter(
    query: dict[str, list[str]], headers: dict[str, str], path: str, says: str
) -> None:
    answer = _get(query, headers, path)
    assert answer["status"] == 400 and says in answer["detail"], answer
