"""The types of request and response bodies."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple, get_origin

from function.declare.checks import matches

Schema = Mapping[str, Any]

# A class that msgspec can write (a Struct, a TypedDict, a dataclass) or a list of one, or a JSON
# schema with the type's name as `title`.
Body = type | Schema

EMPTY_MAPPING: Mapping[Any, Any] = MappingProxyType({})

FORM_TYPE = "application/x-www-form-urlencoded"

_TEXT = ("text/", "application/json", "application/xml", FORM_TYPE)


class Raw(NamedTuple):
    """A body that the framework passes on unread, such as `Raw("text/csv")`.

    A handler receives it as bytes, and returns bytes or str. The media type may be a range:
    `image/*`, or `*/*`; then a response needs the header Content-Type. API Gateway passes on text
    in UTF-8 as it is. A media type of no text makes the whole API binary: a request or response
    then has at most 4.5 MB.
    """

    media_type: Annotated[
        str, matches(r"\*/\*|[a-z]+/(\*|[a-z0-9][a-z0-9.+-]*)", "a media type such as text/csv")
    ]

    @property
    def is_text(self) -> bool:
        """True for a media type of text, which API Gateway passes on without base64."""
        return self.media_type.startswith(_TEXT) or self.media_type.endswith(("+json", "+xml"))


class Form(NamedTuple):
    """The fields of an HTML form as a value of a type, such as `Form(Signup)`.

    Texts become the numbers, booleans and enums of the type; a list takes a repeated field.
    """

    fields: type


def is_array(declared: Any) -> bool:
    """Test for `list[…]` or the schema of an array."""
    if isinstance(declared, Mapping):
        return declared.get("type") == "array"
    return get_origin(declared) is list


def media_type(declared: Any) -> str:
    """Return the media type of a body, or a range."""
    if isinstance(declared, Raw):
        return declared.media_type
    return FORM_TYPE if isinstance(declared, Form) else "application/json"
