"""Table and Index: a DynamoDB table, declared in `function.tables`."""

from collections.abc import Iterator
from typing import Annotated, NamedTuple

from function.declare.checks import Name, Text, matches
from function.declare.setting import Setting

# DynamoDB's limits of a key, in bytes of UTF-8.
PARTITION_KEY_BYTES, SORT_KEY_BYTES = 2_048, 1_024

# The attribute of DynamoDB's time to live: the Unix second at which an item expires.
TTL_ATTRIBUTE = "expires"


class Number(str):
    """The name of a key of type Number. A plain string names a key of type String."""


class Binary(str):
    """The name of a key of type Binary."""


def key_type(name: str) -> str:
    """Return DynamoDB's letter for the type of a key: S, N or B."""
    return {Number: "N", Binary: "B"}.get(type(name), "S")


def _keys(part: "Index | Table") -> tuple[str, ...]:
    return (part.partition_key, part.sort_key) if part.sort_key else (part.partition_key,)


class Index(NamedTuple):
    """A global secondary index: another order in which a table's items can be queried.

    It leaves out an item that lacks one of its keys. `attributes` are the item's attributes in the
    index, besides the keys; None: all of them.
    """

    name: Annotated[str, matches(r"[A-Za-z0-9_.-]{3,255}", "3 to 255 of a-z, A-Z, 0-9, '_.-'")]
    partition_key: Text
    sort_key: str = ""
    attributes: tuple[str, ...] | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The partition key and, if there is one, the sort key."""
        return _keys(self)


class Table(NamedTuple):
    """A DynamoDB table. Its keys are Strings, or else `Number("…")` and `Binary("…")`.

    `ttl_setting` holds the days after which an item expires, 0 for never. Store the attribute of
    `dynamodb.ttl_attribute`, which is `expires`, with each item that shall expire. Without a
    `ttl_setting` the name `expires` is yours.
    """

    name: Name
    partition_key: Text
    sort_key: str = ""
    indexes: tuple[Index, ...] = ()
    ttl_setting: Setting[int] | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The partition key and, if there is one, the sort key."""
        return _keys(self)

    @property
    def env_var(self) -> str:
        """The environment variable that holds the table's name on AWS."""
        return f"TABLE_{self.name.upper().replace('-', '_')}_NAME"

    @property
    def key_types(self) -> dict[str, str]:
        """The keys of the table and its indexes, each with DynamoDB's letter for its type."""
        return {key: key_type(key) for part in self._parts for key in part.keys}

    @property
    def _parts(self) -> "tuple[Table | Index, ...]":
        return (self, *self.indexes)

    def part(self, index_name: str | None) -> "Table | Index":
        """Return the index of this name, or else the table."""
        return next((index for index in self.indexes if index.name == index_name), self)

    def errors(self) -> Iterator[str]:
        """Yield the reasons for which DynamoDB would refuse it, or expire no item."""
        if self.ttl_setting and self.ttl_setting.type is not int:
            yield f"ttl_setting: {self.ttl_setting.name} counts days, so its type must be int"
        for key in (key for part in self._parts for key in part.keys):
            if self.key_types[key] != key_type(key):
                yield f"{key} is a key of two types; declare it with one"
            if self.ttl_setting and key == TTL_ATTRIBUTE:
                yield f"{key} is the attribute of expiry, so no key can have this name"
