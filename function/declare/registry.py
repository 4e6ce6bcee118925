"""Loads what `function/` declares, and checks what one declaration says of another."""

import importlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from function.declare.endpoint import Endpoint
from function.declare.errors import DeclarationError
from function.declare.permission import (
    INDEX_ACTIONS,
    BucketPermission,
    TablePermission,
    Permission,
    QueuePermission,
    ServicePermission,
)
from function.declare.setting import Setting
from function.declare.table import Table

if TYPE_CHECKING:
    from function.declare.bucket import Bucket
    from function.declare.queue import Queue

_MODULE = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class _Declared(Protocol):
    @property
    def name(self) -> str:
        """The name, of which there is one."""

    def errors(self) -> Iterator[str]:
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


def collect(
    kind: type[D], module: str, references: Callable[[D], Iterable[str]] = lambda _: ()
) -> dict[str, D]:
    """Return by name what a module declares of a kind; raise DeclarationError for a wrong one.

    `references` tells what is wrong of what one says of others.
    """
    found: dict[str, D] = {}
    for variable, item in vars(importlib.import_module(module)).items():
        if not isinstance(item, kind):
            continue
        taken = f"name {item.name!r} is taken by another {kind.__name__.lower()}"
        # Only the first is sure to be one: what comes after it may build on what is wrong.
        wrong = chain(item.errors(), references(item))
        problem = taken if item.name in found else next(wrong, "")
        if problem:
            raise DeclarationError(f"{module.replace('.', '/')}.py: {variable}: {problem}")
        found[item.name] = item
    return found


def load_settings() -> dict[str, Setting[Any]]:
    """Return what `function.settings` declares by name; raise DeclarationError for a wrong one."""
    return collect(Setting, "function.settings")


def load_tables() -> dict[str, Table]:
    """Return the tables of `function.tables` by name; raise DeclarationError for a wrong one."""
    return collect(Table, "function.tables", _ttl_setting_errors)


def _ttl_setting_errors(table: Table) -> Iterator[str]:
    if table.ttl_setting and table.ttl_setting not in load_settings().values():
        yield f"ttl_setting: function/settings.py declares no {table.ttl_setting.name}"


def load_queues() -> "dict[str, Queue]":
    """Return the queues of `function.queues` by name; raise DeclarationError for a wrong one."""
    # A cold start of what sends none does without.
    from function.declare.queue import Queue  # pylint: disable=import-outside-toplevel

    return collect(Queue, "function.queues")


def load_buckets() -> "dict[str, Bucket]":
    """Return the buckets of `function.buckets` by name; raises DeclarationError for a wrong one."""
    # The import costs a cold start time, which only a function with a bucket needs.
    from function.declare.bucket import Bucket  # pylint: disable=import-outside-toplevel

    return collect(Bucket, "function.buckets")


def unknown_bucket_errors(name: str) -> Iterator[str]:
    """Yield an error for a bucket's name that `function.buckets` does not declare."""
    if name not in (known := load_buckets()):
        yield f"unknown bucket {name!r}; known buckets: {', '.join(known) or 'none'}"


def unknown_queue_errors(name: str) -> Iterator[str]:
    """Return what to say of a queue's name that `function.queues` does not have."""
    if name not in (known := load_queues()):
        yield f"unknown queue {name!r}; known queues: {', '.join(known) or 'none'}"


def unknown_table_errors(name: str, tables: Mapping[str, Table]) -> Iterator[str]:
    """Return what to say of a table's name that is not among these."""
    if name not in tables:
        yield f"unknown table {name!r}; known tables: {', '.join(tables)}"


def wrong_access(access: TablePermission, tables: Mapping[str, Table]) -> Iterator[str]:
    """Return why a table, or an index of it, could not be used so."""
    yield from unknown_table_errors(access.table, tables)
    table = tables.get(access.table)
    if table and access.index_name:
        known = [index.name for index in table.indexes]
        if access.index_name not in known:
            yield f"table {table.name} has no index {access.index_name!r}, but: {', '.join(known)}"
        for action in sorted({*access.actions} - INDEX_ACTIONS):
            yield f"{action} is no action on an index: {', '.join(sorted(INDEX_ACTIONS))}"


def _unknown_settings(service: ServicePermission) -> Iterator[str]:
    settings = load_settings()
    for name in sorted(service.settings):
        if name not in settings or settings[name].secret:
            yield f"resource {service.resource!r} names {name}, no setting of function/settings.py"


def reference_errors(access: Iterable[Permission], tables: Mapping[str, Table]) -> Iterator[str]:
    """Return what a declaration's `permissions` names that is not declared, or not so."""
    for permission in access:
        if isinstance(permission, TablePermission):
            yield from wrong_access(permission, tables)
        elif isinstance(permission, QueuePermission):
            yield from unknown_queue_errors(permission.queue)
        elif isinstance(permission, BucketPermission):
            yield from unknown_bucket_errors(permission.bucket)
        else:
            yield from _unknown_settings(permission)


def check(endpoints: Mapping[str, Endpoint[Any]]) -> tuple[Endpoint[Any], ...]:
    """Return the endpoints, given by module, ordered by route; raise DeclarationError where one
    cannot work, or two cannot coexist."""
    tables = load_tables()
    routes: dict[str, Endpoint[Any]] = {}
    folders: dict[str, str] = {}
    parameters: dict[str, str] = {}
    origins: dict[str, tuple[str, ...]] = {}
    files: dict[str, str] = {}
    for name, endpoint in endpoints.items():
        file = f"function/endpoints/{name}.py"
        where = f"{file}: {endpoint.route}"
        for problem in endpoint.errors():
            raise DeclarationError(f"{where}: {problem}")
        if (other := files.setdefault(endpoint.route, file)) != file:
            raise DeclarationError(f"{where} is declared twice, also in {other}")
        # API Gateway refuses siblings that differ only in the name of their parameter.
        for match in re.finditer(r"\{[^}]+\}", endpoint.path):
            before = endpoint.path[: match.start()]
            known = parameters.setdefault(before, match.group())
            if known != match.group():
                raise DeclarationError(
                    f"{where}: {before}{match.group()} is already {before}{known}"
                )
        for folder in accumulate(endpoint.path.split("/"), lambda path, part: f"{path}/{part}"):
            # Resources and models are called by a path's letters and digits alone.
            bare = re.sub(r"[^a-z0-9]", "", re.sub(r"\{[^}]*\}", "by", folder.lower()))
            other = folders.setdefault(bare, folder)
            if other != folder:
                raise DeclarationError(f"{where}: {folder} is too like {other}")
        if origins.setdefault(endpoint.path, endpoint.cors) != endpoint.cors:
            raise DeclarationError(
                f"{where}: cors must be that of the path's other endpoints, "
                f"{origins[endpoint.path]}"
            )
        for problem in reference_errors(endpoint.permissions, tables):
            raise DeclarationError(f"{where}: {problem}")
        routes[endpoint.route] = endpoint
    return tuple(routes[route] for route in sorted(routes))


@cache
def endpoints_by_module() -> Mapping[str, Endpoint[Any]]:
    """Return each module's endpoint; raise DeclarationError for a module without one."""
    package = importlib.import_module("function.endpoints")
    found = {}
    for name in modules(package.__path__[0], package.__name__):
        module = importlib.import_module(f"{package.__name__}.{name}")
        if not isinstance(getattr(module, "ENDPOINT", None), Endpoint):
            raise DeclarationError(f"function/endpoints/{name}.py declares no ENDPOINT")
        found[name] = module.ENDPOINT
    return found


@cache
def load_endpoints() -> tuple[Endpoint[Any], ...]:
    """Return the endpoints of `function/endpoints`; raise DeclarationError for what cannot work."""
    if not endpoints_by_module():
        raise DeclarationError("function/endpoints has no module yet; docs/extending.md shows one")
    return check(endpoints_by_module())
