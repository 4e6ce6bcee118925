"""The types of what endpoints use beside code: tables and settings.

`function.tables` and `function.settings` declare them. Nothing here imports the AWS SDK, so the
Pulumi program and a cold start read the declarations.
"""

import importlib
import json
import os
import re
from collections.abc import Iterator
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_SETTING_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST_NAME = 32
_TYPES = (str, int, float, bool)
# DynamoDB's rules: the name of an index, and how many a table may have.
_INDEX_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")
_MOST_INDEXES = 20

# The attribute that holds when an item expires, in Unix seconds: DynamoDB's time to live.
EXPIRES = "expires"


class DeclarationError(ValueError):
    """A declaration that cannot work: says which one, what is wrong and what is allowed."""


V = TypeVar("V")


class Setting(NamedTuple, Generic[V]):
    """What the function gets from a stack's config: `<name>` in Pulumi.<stack>.yaml.

    `type` is str, int, float or bool. Without a `default` every stack must set it. Numbers may be
    kept from `minimum` to `maximum`. A `secret`, which is a str, is set by `pulumi config set
    --secret`; it lies in AWS Secrets Manager and nowhere else, and has no default.
    """

    name: str
    type: type[V]  # pylint: disable=unsubscriptable-object
    description: str
    default: V | None = None
    secret: bool = False
    minimum: float | None = None
    maximum: float | None = None

    @property
    def environment(self) -> str:
        """The environment variable that holds its value; a secret's holds the secret's ARN."""
        return f"{'SECRET' if self.secret else 'SETTING'}_{self.name.upper()}"

    def parse(self, text: str) -> V:
        """Return the value that its text in the environment or in Secrets Manager stands for."""
        value: V = text if self.type is str else json.loads(text)  # type: ignore[assignment]
        return value

    def problems(self) -> Iterator[str]:
        """Return why it cannot work."""
        if not _SETTING_NAME.fullmatch(self.name) or len(self.name) > _LONGEST_NAME:
            yield (
                f"name {self.name!r} must be a-z, 0-9 and '_' between them, from a letter on, "
                f"at most {_LONGEST_NAME} characters"
            )
        if self.type not in _TYPES:
            yield "type must be str, int, float or bool"
        elif self.default is not None and self.default.__class__ is not self.type:
            yield f"default {self.default!r} is no {self.type.__name__}"
        if not self.description.strip():
            yield "description is missing"
        if self.secret and (self.type is not str or self.default is not None):
            yield "a secret is a str, and has no default"
        if self.type not in (int, float) and (self.minimum, self.maximum) != (None, None):
            yield "minimum and maximum are for numbers"


class Settings:
    """The values of a stack's settings: `request.settings[GREETING]`."""

    def __getitem__(self, setting: Setting[V]) -> V:
        """Return the value; raises Problem with 503 where a secret cannot be read now."""
        if setting.secret:
            # What no request asks for, no cold start pays for.
            read = importlib.import_module("function.secret_settings").read
            return setting.parse(read(setting.environment))
        text = os.environ.get(setting.environment)
        if text is not None:
            return setting.parse(text)
        if setting.default is None:
            raise LookupError(
                f"{setting.environment} is not in the environment; does function/settings.py "
                f"declare {setting.name}?"
            )
        return setting.default


SETTINGS = Settings()


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

    `expires` is the setting that says after how many days an item expires, 0 for never;
    `storage.expiry` is what an item needs for that.
    """

    name: str
    partition_key: str
    sort_key: str = ""
    indexes: tuple[Index, ...] = ()
    expires: Setting[int] | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The partition key and, where there is one, the sort key."""
        return _keys(self)

    @property
    def environment(self) -> str:
        """The environment variable that tells the function the table's name on AWS."""
        return f"TABLE_{self.name.upper().replace('-', '_')}"

    @property
    def key_types(self) -> dict[str, str]:
        """The keys of the table and its indexes, each with DynamoDB's letter for its type."""
        return {key: key_type(key) for part in self._parts for key in part.keys}

    @property
    def _parts(self) -> "tuple[Table | Index, ...]":
        return (self, *self.indexes)

    def problems(self) -> Iterator[str]:
        """Return why DynamoDB could not take it."""
        if not _NAME.fullmatch(self.name) or len(self.name) > _LONGEST_NAME:
            yield (
                f"name {self.name!r} must be a-z, 0-9 and '-' between them, from a letter on, "
                f"at most {_LONGEST_NAME} characters"
            )
        if self.expires and self.expires not in declared_settings().values():
            yield f"expires: function/settings.py declares no {self.expires.name}"
        names = [index.name for index in self.indexes]
        if len(names) > _MOST_INDEXES:
            yield f"{len(names)} indexes are more than DynamoDB's {_MOST_INDEXES}"
        for index in self.indexes:
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
                if key == EXPIRES:
                    yield f"{where}{key} is the attribute by which items expire, and so no key"


def declared_tables() -> dict[str, Table]:
    """Return the tables of `function.tables` by name; raise DeclarationError for a wrong one."""
    return _collect(Table, "function.tables")


def declared_settings() -> "dict[str, Setting[Any]]":
    """Return what `function.settings` declares by name; raise DeclarationError for a wrong one."""
    return _collect(Setting, "function.settings")


class _Declared(Protocol):
    @property
    def name(self) -> str:
        """The name, of which there is one."""

    def problems(self) -> Iterator[str]:
        """Return why it cannot work."""


D = TypeVar("D", bound=_Declared)


def _collect(kind: type[D], module: str) -> dict[str, D]:
    """Return by name what a module declares of a kind."""
    found: dict[str, D] = {}
    for variable, item in vars(importlib.import_module(module)).items():
        if not isinstance(item, kind):
            continue
        problems = list(item.problems())
        if item.name in found:
            problems = [f"name {item.name!r} is taken by another {kind.__name__.lower()}"]
        for problem in problems:
            raise DeclarationError(f"{module.replace('.', '/')}.py: {variable}: {problem}")
        found[item.name] = item
    return found
