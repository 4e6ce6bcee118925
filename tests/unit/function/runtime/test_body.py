"""Parsing of request bodies."""

import base64
from typing import Annotated, Any

import msgspec
import pytest

from function.declare.problem import Problem
from function.runtime import body as bodies


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
        *(
            'profile="https://x.example/a;charset=latin1"',
            'odata="a\\";charset=x"',
            "a=1; b=2;",
            "v",
        ),
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
