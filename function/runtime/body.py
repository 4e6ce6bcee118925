"""Reads bodies and typed parameters. Only a function with an endpoint that declares one imports it.

API Gateway checks no body, since its 400 could not name the invalid member.
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import parse_qs

import msgspec

from function.declare.endpoint import Endpoint, Request, one_by_one
from function.declare.problem import Problem
from function.declare.schema import Form, Raw, media_type

# The replacement character: API Gateway replaces bytes that are not UTF-8 with it.
_REPLACEMENT = "\ufffd".encode()

# An encoding other than UTF-8, which RFC 8259 demands, in a media type.
_OTHER_CHARSET = re.compile(r';\s*charset\s*=\s*+"?+(?!utf-?8\b)', re.IGNORECASE)

# Between the values of a header (RFC 9110, section 5.6.1).
_COMMA = re.compile(r"\s*,\s*")

_MAX_DETAIL = 200  # characters: a reason may name members of the request

# msgspec's quotation of a value.
_QUOTED_VALUE = re.compile(r"(Invalid (?:enum )?value) '.*'", re.DOTALL)
# The names of members that no declaration has: a client's text.
_UNKNOWN_MEMBERS = re.compile("(unknown field) .*", re.DOTALL)

# Texts that are no JSON or no value of the declared type, such as deep nesting.
_INVALID = (ArithmeticError, RecursionError, ValueError)

# The inspection of a type takes some 50 µs, too long for each request.
_fields = cache(one_by_one)


def _sent_bytes(event: Mapping[str, Any]) -> bytes:
    sent: str = event.get("body") or ""
    return (
        base64.b64decode(sent)
        if event.get("isBase64Encoded")
        else sent.encode(errors="surrogatepass")
    )


def _is_accepted(content_type: str, expected: str) -> bool:
    """Test for an expected media type or range. A text that is not Raw must be in UTF-8."""
    kind = content_type.partition(";")[0].strip().lower()
    return expected in (kind, f"{kind.partition('/')[0]}/*", "*/*")


def _convert_texts(declared: type, texts: Mapping[str, Sequence[str]]) -> Any:
    """Return texts by name as a value of a type: the last text of each, or all texts for a list."""
    lists = {field.name for field in _fields(declared) if field.repeated}
    plain = {name: list(all_) if name in lists else all_[-1] for name, all_ in texts.items()}
    value: Any = msgspec.convert(plain, declared, strict=False)
    json.dumps(msgspec.to_builtins(value), allow_nan=False)  # raises ValueError
    return value


def _problem(place: str, error: Exception) -> Problem:
    """Return the 400 with the path of an invalid member and its rule, but without its value."""
    rule, _, path = _QUOTED_VALUE.sub(r"\1", str(error)).rpartition(" - at ")
    reason = f"{path.replace('`', '')}: {rule}" if rule else f"$: {path}"
    detail = f"The {place} is not as documented: {reason}"[:_MAX_DETAIL]
    return Problem(400, detail, log_fields={"bodyError": _UNKNOWN_MEMBERS.sub(r"\1", detail)})


def parse(declared: type | Form | Raw, content_type: str, sent: bytes) -> Any:
    """Return a body as a value of the declared type.

    Raises Problem with 415 for another media type, and with 400 for an invalid text or a value of
    another type. The problem and the log line name the invalid member.
    """
    expected = media_type(declared)
    raw = isinstance(declared, Raw)
    if not _is_accepted(content_type, expected) or not raw and _OTHER_CHARSET.search(content_type):
        raise Problem(415, f"Unsupported media type: send {expected}.")
    if isinstance(declared, Raw):
        return sent
    try:
        if _REPLACEMENT in sent:
            raise ValueError("it is not UTF-8")
        if isinstance(declared, Form):
            fields = parse_qs(sent.decode(), keep_blank_values=True, errors="strict")
            return _convert_texts(declared.fields, fields)
        return msgspec.json.decode(sent, type=declared)
    except _INVALID as error:
        raise _problem("body", error) from None


def _sent_texts(declared: type, place: str, request: Request[Any]) -> Mapping[str, Sequence[str]]:
    """Return the texts of each parameter in a place of a request."""
    if place == "query":
        return request.query_values
    if place == "path":
        return {name: (text,) for name, text in request.path_parameters.items()}
    texts = {}
    for one in _fields(declared):
        if (sent := request.headers.get(one.name.lower())) is not None:
            texts[one.name] = _COMMA.split(sent) if one.repeated else [sent]
    return texts


def _parameters(endpoint: Endpoint[Any], request: Request[Any]) -> dict[type, Any]:
    """Return the values of the types that the endpoint declares for its parameters."""
    found: dict[type, Any] = {}
    for place, declared in endpoint.parameters.items():
        if isinstance(declared, type):
            texts = _sent_texts(declared, place, request)
            try:
                found[declared] = _convert_texts(declared, texts)
            except _INVALID as error:
                raise _problem(place, error) from None
    return found


def read(endpoint: Endpoint[Any], request: Request[Any], event: Mapping[str, Any]) -> Request[Any]:
    """Return a request with its body and its typed parameters.

    Raises Problem with 400, 413 or 415 for a request that the endpoint does not declare.
    """
    request = request._replace(parsed_values=_parameters(endpoint, request))
    if endpoint.body is None:
        return request
    sent = _sent_bytes(event)
    if len(sent) > endpoint.max_body_bytes:
        raise Problem(413, f"The body must have at most {endpoint.max_body_bytes:,} bytes.")
    content_type = request.headers.get("content-type", "")
    return request._replace(raw_body=sent, body=parse(endpoint.body, content_type, sent))
