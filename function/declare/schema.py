"""The types of bodies."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

Schema = Mapping[str, Any]

# A body's or an answer's type: a class that msgspec can read and write (a Struct, a TypedDict, a
# dataclass), or a JSON schema with its name as `title`.
Body = type | Schema

EMPTY: Mapping[str, Any] = MappingProxyType({})
