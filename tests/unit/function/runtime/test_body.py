"""Parsing of request bodies."""

import base64
from typing import Annotated, Any, Literal

import msgspec
import pytest

from console import commands
from function.declare.problem import Problem
from function.runtime import api_handler
from function.runtime import body as bodies
from tests.fixtures import notes


class Note(msgspec.Struct, forbid_unknown_fields=True):
    """The body that the cases are read as."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    stars: Annotated[int, msgspec.Meta(ge=1, le=5)] = 3


SCHEMA = {
    "title": "Note",
    "type": "object",
    "required": ["text"],
    "additionalProperties": False,
    "properties": {
        "text": {"type": "string", "minLength": 1, "maxLength": 200},
        "stars": {"type": "integer", "minimum": 1, "maximum": 5},
    },
}


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
    "a member twice": b'{"text": "a", "text": "b"}',
    "a control character": b'{"text": "\x01"}',
}


GOOD = b'{"text": "\xc3\xbc \\ud83d\\ude00", "stars": 5}'
JSON = "application/json"


@pytest.mark.parametrize("declared", (Note, SCHEMA), ids=("type", "schema"))
@pytest.mark.parametrize("sent", BAD.values(), ids=BAD)
@pytest.mark.parametrize("encoded", (False, True), ids=("text", "base64"))
def test_what_is_not_declared_never_reaches_an_endpoint(
    declared: Any, sent: bytes, encoded: bool
) -> None:
    body = base64.b64encode(sent).decode() if encoded else sent.decode("utf-8", "replace")
    for content_type in (JSON, "application/json; charset=utf-8"):
        with pytest.raises(Problem) as raised:
            bodies.parse(declared, content_type, {"body": body, "isBase64Encoded": encoded})
        assert raised.value.status == 400 and len(raised.value.detail) <= 210


@pytest.mark.parametrize(
    "content_type",
    ("", "text/plain", "application/json, text/plain", "application/json; charset=latin1", "json"),
)
def test_another_media_type_is_415_whatever_is_in_it(content_type: str) -> None:
    for sent in (GOOD.decode(), "not json"):
        with pytest.raises(Problem) as raised:
            bodies.parse(Note, content_type, {"body": sent})
        assert raised.value.status == 415


@pytest.mark.parametrize(
    "content_type",
    (
        JSON,
        "Application/JSON",
        "application/json; charset=UTF-8",
        'application/json;charset="utf-8"',
    ),
)
def test_what_is_declared_is_read(content_type: str) -> None:
    event = {"body": base64.b64encode(GOOD).decode(), "isBase64Encoded": True}
    assert bodies.parse(Note, content_type, event) == Note(text="ü 😀", stars=5)
    assert bodies.parse(SCHEMA, content_type, event) == {"text": "ü 😀", "stars": 5}


@pytest.mark.parametrize(
    "parameters",
    (
        *("charset=utf8", "charset=UTF-8", 'charset="utf-8"', "version=1", "charset = utf-8", ""),
        *("a=1; b=2;", "v"),
    ),
)
def test_json_may_have_parameters(parameters: str) -> None:
    for content_type in (f"application/json;{parameters}", f"Application/JSON ; {parameters}"):
        assert bodies.parse(Note, content_type, {"body": GOOD.decode()}).stars == 5


@pytest.mark.parametrize(
    "parameters",
    (
        *(
            "charset=iso-8859-1",
            'charset="utf-16"',
            "version=1; charset=latin1",
            "CHARSET=us-ascii",
        ),
        *("charset=utf-8; charset=latin1", "charset=", "charset=utf-80"),
    ),
)
def test_json_in_another_encoding_is_415(parameters: str) -> None:
    with pytest.raises(Problem) as raised:
        bodies.parse(Note, f"application/json; {parameters}", {"body": GOOD.decode()})
    assert raised.value.status == 415


class Line(msgspec.Struct, forbid_unknown_fields=True):
    """A part of a body."""

    count: Annotated[int, msgspec.Meta(ge=1)] = 1
    colour: Literal["red", "blue"] = "red"
    price: Annotated[float, msgspec.Meta(multiple_of=0.01)] = 1


class Order(msgspec.Struct, forbid_unknown_fields=True):
    """A body with parts."""

    lines: list[Line]


def _closed(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


LINE = _closed(
    count={"type": "integer", "minimum": 1},
    colour={"type": "string", "enum": ["red", "blue"]},
    price={"type": "number", "format": "double", "multipleOf": 0.01},
)
ORDER = {"title": "Order", **_closed(lines={"type": "array", "items": LINE}), "required": ["lines"]}


@pytest.mark.parametrize(
    ("sent", "by_type", "by_schema"),
    (
        ("{}", "$: Object missing required field `lines`", "$: must contain ['lines'] properties"),
        (
            '{"lines": [{"count": 0}]}',
            "$.lines[0].count: Expected `int` >= 1",
            "$.lines[0].count: must be bigger than or equal to 1",
        ),
        (
            '{"lines": [{"colour": "s3cret - at `$.x`"}]}',
            "$.lines[0].colour: Invalid enum value",
            "$.lines[0].colour: must be one of ['red', 'blue']",
        ),
        (
            '{"lines": [{}, {"count": "s3cret"}]}',
            "$.lines[1].count: Expected `int`, got `str`",
            "$.lines[1].count: must be integer",
        ),
        (f'{{"lines": [{{"price": {"9" * 400}}}]}}', "", ""),
        ('{"lines": [{"price": 1e308}]}', "", ""),
    ),
)
def test_a_problem_and_the_log_name_the_member_and_its_rule_but_never_the_value(
    sent: str, by_type: str, by_schema: str
) -> None:
    for declared, reason in ((Order, by_type), (ORDER, by_schema)):
        with pytest.raises(Problem) as raised:
            bodies.parse(declared, JSON, {"body": sent})
        assert raised.value.status == 400
        assert raised.value.detail.startswith(f"The body is not as documented: {reason}")
        assert "s3cret" not in raised.value.detail and "999" not in raised.value.detail
        assert raised.value.log_fields["bodyError"] == raised.value.detail


def test_only_the_client_is_told_the_name_of_an_unknown_member() -> None:
    for declared in (Order, ORDER):
        with pytest.raises(
            Problem, match="unknown field `s3cret`|must not contain .'s3cret'"
        ) as raised:
            bodies.parse(declared, JSON, {"body": '{"lines": [], "s3cret": 1}'})
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
