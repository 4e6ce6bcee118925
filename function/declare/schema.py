"""The types of request and response bodies."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

Schema = Mapping[str, Any]

# A class that msgspec can read and write (a Struct, a TypedDict, a dataclass), or a JSON schema
# with the type's name as `title`.
Body = type | Schema

EMPTY_MAPPING: Mapping[Any, Any] = MappingProxyType({})
