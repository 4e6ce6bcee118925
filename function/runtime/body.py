"""Reads request bodies. Only a function with an endpoint that declares a body imports this.

API Gateway checks a body only if the client sends exactly the declared media type, and as loosely
as draft 4 of JSON Schema. So this module checks the whole declaration, on the text itself: two
parsers read different values from repeated members or from numbers out of range.
"""

import base64
import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import msgspec

from function.declare.problem import Problem
from function.declare.schema import Body

# The replacement character: API Gateway replaces bytes that are not UTF-8 with it.
_REPLACEMENT = "\ufffd"

# An encoding other than UTF-8, which RFC 8259 demands, in a media type.
_OTHER_CHARSET = re.compile(r';\s*charset\s*=\s*+"?+(?!utf-?8\b)', re.IGNORECASE)

_MAX_DETAIL = 200  # characters: a reason may name members of the request

# msgspec's quotation of a value.
_QUOTED_VALUE = re.compile(r"(Invalid (?:enum )?value) '.*'", re.DOTALL)
# The names of members that no declaration has: a client's text.
_UNKNOWN_MEMBERS = re.compile(r"(unknown field|must not contain) .*", re.DOTALL)


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("it repeats a member")
    return members


def _parse_float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _parse_json(text: str) -> Any:
    """Return the value of a JSON text, by RFC 8259 and the stricter rules of RFC 7493."""
    if _REPLACEMENT in text:
        raise ValueError("it is not UTF-8")
    value = json.loads(
        text,
        object_pairs_hook=_unique_members,
        parse_float=_parse_float,
        parse_constant=_refuse_constant,
    )
    if "\\u" in text:  # an escape may be half of a surrogate pair
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
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" and not _OTHER_CHARSET.search(content_type)


# By the id of the schema: a declaration lives as long as the process.
_validators: dict[int, Callable[[Any], Any]] = {}


def _convert(declared: Body, value: Any) -> Any:
    """Return parsed JSON as a value of the declared type; raise ValueError for another type."""
    if not isinstance(declared, Mapping):
        return msgspec.convert(value, declared)
    if id(declared) not in _validators:
        import fastjsonschema

        _validators[id(declared)] = fastjsonschema.compile(dict(declared), use_default=False)
    return _validators[id(declared)](value)


def _reason(error: Exception) -> str:
    """Return the path of an invalid member and the rule that it breaks, without its value."""
    text = _QUOTED_VALUE.sub(r"\1", str(error))
    if path := getattr(error, "name", ""):  # fastjsonschema's, such as data.items[0]
        return f"${path.removeprefix('data')}: {text.removeprefix(path).strip()}"
    if not isinstance(error, msgspec.ValidationError):
        return text
    rule, _, path = text.rpartition(" - at ")
    return f"{path.replace('`', '')}: {rule}" if rule else f"$: {path}"


def parse(declared: Body, content_type: str, event: Mapping[str, Any]) -> Any:
    """Return an event's body as a value of the declared type.

    Raises Problem with 415 for another media type than JSON in UTF-8, and with 400 for invalid
    JSON or a value of another type. The problem and the log line name the invalid member.
    """
    if not _is_json(content_type):
        raise Problem(415, "Unsupported media type: send application/json.")
    summary = "The body is not valid JSON"
    try:
        value = _parse_json(_text(event))
        summary = "The body is not as documented"
        return _convert(declared, value)
    except (ArithmeticError, RecursionError, ValueError) as error:
        detail = f"{summary}: {_reason(error)}"[:_MAX_DETAIL]
    raise Problem(400, detail, log_fields={"bodyError": _UNKNOWN_MEMBERS.sub(r"\1", detail)})
