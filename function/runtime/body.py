"""Reads bodies and typed parameters. Only a function with an endpoint that declares one imports it.

API Gateway checks no body, since its 400 could not name the invalid member. This module checks the
whole declaration, on the text itself: two parsers read different values from repeated members or
from numbers out of range.
"""

import base64
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

import msgspec

from function.declare.endpoint import Endpoint, Request, one_by_one
from function.declare.problem import Problem
from function.declare.schema import Form, Raw, media_type

# The replacement character: API Gateway replaces bytes that are not UTF-8 with it.
_REPLACEMENT = "\ufffd"

# An encoding other than UTF-8, which RFC 8259 demands, in a media type.
_OTHER_CHARSET = re.compile(r';\s*charset\s*=\s*+"?+(?!utf-?8\b)', re.IGNORECASE)

# Between the values of a header (RFC 9110, section 5.6.1).
_COMMA = re.compile(r"\s*,\s*")

_MAX_DETAIL = 200  # characters: a reason may name members of the request

# msgspec's quotation of a value.
_QUOTED_VALUE = re.compile(r"(Invalid (?:enum )?value) '.*'", re.DOTALL)
# The names of members that no declaration has: a client's text.
_UNKNOWN_MEMBERS = re.compile("(unknown field) .*", re.DOTALL)


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("it repeats a member")
    return members


def _parse_float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):  # NaN too, which is not JSON
        raise ValueError("a number is not finite")
    return value


def _parse_json(text: str) -> Any:
    """Return the value of a JSON text, by RFC 8259 and the stricter rules of RFC 7493."""
    if _REPLACEMENT in text:
        raise ValueError("it is not UTF-8")
    value = json.loads(
        text,
        object_pairs_hook=_unique_members,
        parse_float=_parse_float,
        parse_constant=_parse_float,
    )
    if "\\u" in text:  # an escape may be half of a surrogate pair
        json.dumps(value, ensure_ascii=False).encode()
    return value


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


def _reason(error: Exception) -> str:
    """Return the path of an invalid member and the rule that it breaks, without its value."""
    text = _QUOTED_VALUE.sub(r"\1", str(error))
    if not isinstance(error, msgspec.ValidationError):
        return text
    rule, _, path = text.rpartition(" - at ")
    return f"{path.replace('`', '')}: {rule}" if rule else f"$: {path}"


def _convert_texts(declared: type, texts: Mapping[str, Sequence[str]]) -> Any:
    """Return texts by name as a value of a type: the last text of each, or all texts for a list."""
    lists = {field.name for field in one_by_one(declared) if field.repeated}
    plain = {name: list(all_) if name in lists else all_[-1] for name, all_ in texts.items()}
    value: Any = msgspec.convert(plain, declared, strict=False)
    json.dumps(msgspec.to_builtins(value), allow_nan=False)  # raises ValueError
    return value


def _problem(summary: str, error: Exception) -> Problem:
    detail = f"{summary}: {_reason(error)}"[:_MAX_DETAIL]
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
    summary = f"The body is not valid {'form data' if isinstance(declared, Form) else 'JSON'}"
    try:
        if isinstance(declared, Form):
            fields = parse_qs(sent.decode(), keep_blank_values=True, errors="strict")
            summary = "The body is not as documented"
            return _convert_texts(declared.fields, fields)
        value = _parse_json(sent.decode())
        summary = "The body is not as documented"
        return msgspec.convert(value, declared)
    except (ArithmeticError, RecursionError, ValueError) as error:
        raise _problem(summary, error) from None


def _sent_texts(declared: type, place: str, request: Request[Any]) -> Mapping[str, Sequence[str]]:
    """Return the texts of each parameter in a place of a request."""
    if place == "query":
        return request.query_values
    if place == "path":
        return {name: (text,) for name, text in request.path_parameters.items()}
    texts = {}
    for one in one_by_one(declared):
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
            except ValueError as error:
                raise _problem(f"The {place} is not as documented", error) from None
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
