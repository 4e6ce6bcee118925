"""Reads the bodies of calls, for endpoints that declare one; others never load this.

API Gateway checks a body only where the caller names its very media type, and as loosely as JSON
schema's draft 4 does. So all that a declaration promises is checked here, on the text itself: with
members that come twice or numbers out of range, two parsers read two different bodies.
"""

import base64
import json
import math
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import msgspec

from function.declare.problem import Problem
from function.declare.schema import Body

# RFC 3629's mark for what was no UTF-8; API Gateway puts it there before the function sees it.
_REPLACED = "\ufffd"

# DynamoDB keeps 38 digits of a Number, Python refuses to read 4300 (CVE-2020-10735).
_DIGITS = 1_000

_DETAIL = 200  # characters of a reason, which may quote what was sent


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member comes twice")
    return members


def _int(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise ValueError("a number is too long")
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _parsed(text: str) -> Any:
    """Return what a JSON text holds (RFC 8259, and RFC 7493's stricter rules)."""
    if _REPLACED in text:
        raise ValueError("it is not UTF-8")
    value = json.loads(
        text,
        object_pairs_hook=_members,
        parse_int=_int,
        parse_float=_float,
        parse_constant=_constant,
    )
    if "\\u" in text:  # an escape may be half of a character
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _text(event: Mapping[str, Any]) -> str:
    body = event.get("body")
    if not isinstance(body, str):
        return ""
    if event.get("isBase64Encoded") is True:
        return base64.b64decode(body, validate=True).decode()
    return body


def _is_json(content_type: str) -> bool:
    """Return whether a Content-Type is JSON in UTF-8, which RFC 8259 asks for."""
    kind, *parameters = (part.strip().lower() for part in content_type.split(";"))
    return kind == "application/json" and all(
        parameter.replace('"', "") in ("", "charset=utf-8") for parameter in parameters
    )


# By the id of a schema: a declaration lives as long as the process.
_checks: dict[int, Callable[[Any], Any]] = {}


def _checked(declared: Body, value: Any) -> Any:
    """Return parsed JSON as a value of the declared type; raises ValueError for what is none."""
    if not isinstance(declared, Mapping):
        return msgspec.convert(value, declared)
    if id(declared) not in _checks:
        import fastjsonschema  # pylint: disable=import-outside-toplevel

        _checks[id(declared)] = fastjsonschema.compile(dict(declared), use_default=False)
    return _checks[id(declared)](value)


def read(declared: Body, content_type: str, event: Mapping[str, Any]) -> Any:
    """Return an event's body as the declared type.

    Raises Problem with 415 for another media type, and with 400 for what is not JSON or not of
    the type.
    """
    if not _is_json(content_type):
        raise Problem(415, "Unsupported media type: send application/json.")
    try:
        value = _parsed(_text(event))
    except (ValueError, RecursionError) as error:
        known = type(error) is ValueError  # pylint: disable=unidiomatic-typecheck
        raise Problem(400, f"The body is not valid JSON{f': {error}' if known else ''}.") from None
    try:
        return _checked(declared, value)
    except (ValueError, RecursionError) as error:
        raise Problem(400, f"The body is not as documented: {error}"[:_DETAIL]) from None
