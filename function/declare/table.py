"""The types that a table is declared with, in `function.tables`."""

import re
from collections.abc import Iterator
from types import NoneType
from typing import NamedTuple

from function.declare.checks import name_errors, type_errors
from function.declare.setting import Setting

# DynamoDB's rules: the name of an index, and how many a table may have.
_INDEX_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")
_MOST_INDEXES = 20

# The attribute that holds when an item expires, in Unix seconds: DynamoDB's time to live.
TTL_ATTRIBUTE = "expires"


class Number(str):
    """The name of a key that is a Number; a plain string names one that is a String."""


class Binary(str):
    """The name of a key that is Binary."""


def key_type(name: str) -> str:
    """Return DynamoDB's letter for the type of a key: S, N or B."""
    return {Number: "N", Binary: "B"}.get(type(name), "S")


def _keys(of: "Index | Table") -> tuple[str, ...]:
    return (of.partition_key, of.sort_key) if of.sort_key else (of.partition_key,)


class Index(NamedTuple):
    """A global secondary index: another order in which a table's items can be queried.

    An item that lacks one of its keys is not in it. `attributes` are those that it holds beside
    the keys; None: all of them.
    """

    name: str
    partition_key: str
    sort_key: str = ""
    attributes: tuple[str, ...] | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The partition key and, where there is one, the sort key."""
        return _keys(self)


class Table(NamedTuple):
    """A DynamoDB table. Its keys are Strings, or else `Number("…")` and `Binary("…")`.

    `ttl_setting` is the setting that says after how many days an item expires, 0 for never;
    `dynamodb.ttl_attribute` is what an item needs for that.
    """

    name: str
    partition_key: str
    sort_key: str = ""
    indexes: tuple[Index, ...] = ()
    ttl_setting: Setting[int] | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The partition key and, where there is one, the sort key."""
        return _keys(self)

    @property
    def env_var(self) -> str:
        """The environment variable that holds the table's name on AWS."""
        return f"TABLE_{self.name.upper().replace('-', '_')}_NAME"

    @property
    def key_types(self) -> dict[str, str]:
        """The keys of the table and its indexes, each with DynamoDB's letter for its type."""
        return {key: key_type(key) for part in self._parts for key in part.keys}

    def describe_keys(self, index_name: str | None = None) -> str:
        """Return which keys the table, or an index of it, has."""
        part = next((index for index in self.indexes if index.name == index_name), self)
        keys = ", ".join(f"{key} ({key_type(key)})" for key in part.keys)
        return f"function/tables.py: the keys of {part.name} are {keys}"

    @property
    def _parts(self) -> "tuple[Table | Index, ...]":
        return (self, *self.indexes)

    def errors(self) -> Iterator[str]:
        """Return why DynamoDB could not take it."""
        yield from type_errors(self, name=str, partition_key=str, sort_key=str, indexes=[Index])
        yield from type_errors(self, ttl_setting=(Setting, NoneType))
        yield from name_errors(self.name)
        if self.ttl_setting and self.ttl_setting.type is not int:
            yield f"ttl_setting: {self.ttl_setting.name} counts days, and so is an int"
        names = [index.name for index in self.indexes]
        if len(names) > _MOST_INDEXES:
            yield f"{len(names)} indexes are more than DynamoDB's {_MOST_INDEXES}"
        for index in self.indexes:
            yield from type_errors(index, name=str, partition_key=str, sort_key=str)
            if index.attributes is not None:
                yield from type_errors(index, attributes=[str])
            if not _INDEX_NAME.fullmatch(index.name):
                yield f"index {index.name!r} must be 3 to 255 letters, digits, '_', '.', '-'"
            if names.count(index.name) > 1:
                yield f"index {index.name!r} is declared twice"
        types = self.key_types
        for part in self._parts:
            where = f"index {part.name}: " if isinstance(part, Index) else ""
            if not part.partition_key or part.partition_key == part.sort_key:
                yield f"{where}partition_key must be named, and otherwise than sort_key"
            for key in part.keys:
                if types[key] != key_type(key):
                    yield f"{where}{key} is a key of two types"
                if key == TTL_ATTRIBUTE:
                    yield f"{where}{key} is the attribute by which items expire, and so no key"
