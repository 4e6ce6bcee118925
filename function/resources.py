"""The types of what endpoints use beside code: tables and settings.

`function.tables` and `function.settings` declare them. Nothing here imports the AWS SDK, so the
Pulumi program and a cold start read the declarations.
"""

import importlib
import os
import re
from collections.abc import Iterator, Mapping
from types import NoneType
from typing import Any, NamedTuple, Protocol, TypeVar

from function.checks import wrong_types
from function.contract import INDEX_ACTIONS, Access, DeclarationError
from function.setting import Setting

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_NAME = 32
_MODULE = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
# DynamoDB's rules: the name of an index, and how many a table may have.
_INDEX_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")
_MOST_INDEXES = 20

# The attribute that holds when an item expires, in Unix seconds: DynamoDB's time to live.
EXPIRES = "expires"


def wrong_name(name: str) -> Iterator[str]:
    """Return why a table or queue could not be called so."""
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        yield (
            f"name {name!r} must be a-z, 0-9 and '-' between them, from a letter on, "
            f"at most {_LONGEST_NAME} characters"
        )


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

    def told(self, index_name: str | None = None) -> str:
        """Return which keys the table, or an index of it, has."""
        part = next((index for index in self.indexes if index.name == index_name), self)
        keys = ", ".join(f"{key} ({key_type(key)})" for key in part.keys)
        return f"function/tables.py: the keys of {part.name} are {keys}"

    @property
    def _parts(self) -> "tuple[Table | Index, ...]":
        return (self, *self.indexes)

    def problems(self) -> Iterator[str]:
        """Return why DynamoDB could not take it."""
        yield from wrong_types(self, name=str, partition_key=str, sort_key=str, indexes=[Index])
        yield from wrong_types(self, expires=(Setting, NoneType))
        yield from wrong_name(self.name)
        if self.expires and self.expires not in declared_settings().values():
            yield f"expires: function/settings.py declares no {self.expires.name}"
        if self.expires and self.expires.type is not int:
            yield f"expires: {self.expires.name} counts days, and so is an int"
        names = [index.name for index in self.indexes]
        if len(names) > _MOST_INDEXES:
            yield f"{len(names)} indexes are more than DynamoDB's {_MOST_INDEXES}"
        for index in self.indexes:
            yield from wrong_types(index, name=str, partition_key=str, sort_key=str)
            if index.attributes is not None:
                yield from wrong_types(index, attributes=[str])
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
    return collect(Table, "function.tables")


def wrong_access(access: Access, tables: Mapping[str, Table]) -> Iterator[str]:
    """Return why a table, or an index of it, could not be used so."""
    table = tables.get(access.table)
    if not table:
        yield f"unknown table {access.table!r}; known tables: {', '.join(tables)}"
    elif access.index_name:
        known = [index.name for index in table.indexes]
        if access.index_name not in known:
            yield f"table {table.name} has no index {access.index_name!r}, but: {', '.join(known)}"
        for action in sorted({*access.actions} - INDEX_ACTIONS):
            yield f"{action} is no action on an index: {', '.join(sorted(INDEX_ACTIONS))}"


def declared_settings() -> "dict[str, Setting[Any]]":
    """Return what `function.settings` declares by name; raise DeclarationError for a wrong one."""
    return collect(Setting, "function.settings")


class _Declared(Protocol):
    @property
    def name(self) -> str:
        """The name, of which there is one."""

    def problems(self) -> Iterator[str]:
        """Return why it cannot work."""


D = TypeVar("D", bound=_Declared)


def modules(folder: str, package: str) -> list[str]:
    """Return the names of a package's modules, sorted; raise DeclarationError for what would be
    one under another name.

    Whatever else lies there (notes, an editor's copies, `_shared.py`) declares nothing.
    """
    found = []
    for file in sorted(os.listdir(folder)):
        name, suffix = os.path.splitext(file)
        where = f"{package.replace('.', '/')}/{file}"
        if file[0] in "._":
            continue
        if suffix == ".py":
            if not _MODULE.fullmatch(name):
                better = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_")
                if not better[:1].isalpha():
                    better = f"{package.rpartition('.')[2].removesuffix('s')}_{better}"
                raise DeclarationError(
                    f"{where}: a module's name is letters, digits and '_', from a letter on; call "
                    f"it {better}.py"
                )
            found.append(name)
        elif os.path.isdir(os.path.join(folder, file)):
            parent = os.path.dirname(where)
            raise DeclarationError(f"{where} is a folder; put its modules right into {parent}")
    return found


def collect(kind: type[D], module: str) -> dict[str, D]:
    """Return by name what a module declares of a kind; raise DeclarationError for a wrong one."""
    found: dict[str, D] = {}
    for variable, item in vars(importlib.import_module(module)).items():
        if not isinstance(item, kind):
            continue
        taken = f"name {item.name!r} is taken by another {kind.__name__.lower()}"
        # Only the first is sure to be one: what comes after it may build on what is wrong.
        problem = taken if item.name in found else next(item.problems(), "")
        if problem:
            raise DeclarationError(f"{module.replace('.', '/')}.py: {variable}: {problem}")
        found[item.name] = item
    return found
