"""Checks the declarations of `function/` before a deployment, and the references between them."""

import importlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from itertools import accumulate, chain
from typing import Any, TypeVar

from function.declare.bucket import Bucket
from function.declare.checks import declaration_errors
from function.declare.endpoint import Endpoint
from function.declare.errors import DeclarationError
from function.declare.loader import endpoints_by_module
from function.declare.permission import Link, Permission, TablePermission, settings_in
from function.declare.queue import Queue
from function.declare.setting import Setting
from function.declare.table import Table
from function.declare.topic import Topic
from function.declare.trigger import Trigger

D = TypeVar("D", Bucket, Link, Queue, Setting[Any], Table, Topic)


def _load(kind: type[D], module: str) -> dict[str, D]:
    """Return a module's declarations by name; raise DeclarationError for an invalid one."""
    found: dict[str, D] = {}
    for variable, item in vars(importlib.import_module(f"function.{module}")).items():
        if isinstance(item, kind):
            where = f"function/{module}.py: {variable}"
            if item.name in found:
                raise DeclarationError(f"{where}: name {item.name!r} is taken; choose another one")
            raise_first(where, declaration_errors(item))
            found[item.name] = item
    return found


def raise_first(where: str, *errors: Iterable[str]) -> None:
    """Raise DeclarationError for the first error: the later ones may be its consequences."""
    for error in chain(*errors):
        raise DeclarationError(f"{where}: {error}")


# Each returns the declared values by name, and raises DeclarationError for an invalid one.
load_buckets = partial(_load, Bucket, "buckets")
load_links = partial(_load, Link, "links")
load_queues = partial(_load, Queue, "queues")
load_settings = partial(_load, Setting, "settings")


def load_tables() -> dict[str, Table]:
    """Return the declared tables by name; raise DeclarationError for an invalid one."""
    tables = _load(Table, "tables")
    for table in tables.values():
        if days := table.ttl_setting:
            errors = unknown_name_errors("setting", days.name, load_settings())
            raise_first(f"function/tables.py: {table.name}: ttl_setting", errors)
    return tables


def load_topics() -> dict[str, Topic]:
    """Return the declared topics by name; raise DeclarationError for an invalid one."""
    topics = _load(Topic, "topics")
    for topic in topics.values():
        raise_first(f"function/topics.py: {topic.name}", _setting_errors(topic.arn))
    return topics


def _load_secrets() -> dict[str, Setting[Any]]:
    return {name: setting for name, setting in load_settings().items() if setting.secret}


# The declarations that a permission or a trigger names in a field.
LOADERS: Mapping[str, Callable[[], Mapping[str, object]]] = {
    "bucket": load_buckets,
    "queue": load_queues,
    "setting": _load_secrets,
    "table": load_tables,
    "topic": load_topics,
}


def unknown_name_errors(kind: str, name: str, known: Iterable[str]) -> Iterator[str]:
    """Yield an error for a name that is not among the declared names of a kind."""
    if name not in known:
        yield f"unknown {kind} {name!r}; known: {', '.join(known) or 'none'}"


def _setting_errors(text: str) -> Iterator[str]:
    """Yield an error for each `{name}` in a text that is no setting, or a secret one."""
    if names := settings_in(text):
        known = load_settings().keys() - _load_secrets()
        for name in sorted(names):
            yield from unknown_name_errors("setting", name, sorted(known))


def reference_errors(*declared: Permission | Trigger) -> Iterator[str]:
    """Yield an error for each unknown declaration that permissions or triggers name."""
    for one in declared:
        for field in LOADERS.keys() & one._fields:
            kind = "secret" if field == "setting" else field
            yield from unknown_name_errors(kind, getattr(one, field), LOADERS[field]())
        if isinstance(one, TablePermission) and one.index_name:
            known = [index.name for index in load_tables()[one.table].indexes]
            yield from unknown_name_errors(f"index of {one.table}", one.index_name, known)
        if isinstance(one, Link):
            yield from unknown_name_errors("link", one.name, load_links())
        for field in ("bus", "resource"):
            yield from _setting_errors(getattr(one, field, ""))


def _auth_errors(endpoint: Endpoint[Any]) -> Iterator[str]:
    texts = [one for one in load_settings().values() if one.type is str and not one.secret]
    for field, value in endpoint.auth._asdict().items():
        if isinstance(value, Setting) and value not in texts:
            yield (
                f"auth: {field} must be a setting of type str in function/settings.py, "
                f"without secret, not {value.name}"
            )


def _claims(endpoint: Endpoint[Any], file: str) -> Iterator[tuple[object, object, str]]:
    """Yield keys, the value that all endpoints must claim for each, and the error for another."""
    yield endpoint.route, file, "the route is declared twice, also in {}; remove one of them"
    for path in accumulate(endpoint.path.split("/"), lambda path, part: f"{path}/{part}"):
        parent, _, name = path.rpartition("/")
        if name.startswith("{"):
            # API Gateway refuses siblings that differ only in the name of their parameter.
            yield ("parameter", parent), name, f"{path} is already {parent}/{{}}"
        # The names of resources and models keep a path's letters and digits only.
        letters = re.sub(r"[^a-z0-9]", "", re.sub(r"\{[^}]*\}", "by", path.lower()))
        yield ("letters", letters), path, f"{path} is too like {{}}; rename one of them"
    auth = f"auth: the name {endpoint.auth.name} belongs to {{}} too; choose another name"
    yield ("auth", endpoint.auth.name), endpoint.auth, auth
    cors = "cors must be that of the path's other endpoints, {}"
    yield ("cors", endpoint.path), endpoint.cors, cors


def validate_endpoints(endpoints: Mapping[str, Endpoint[Any]]) -> tuple[Endpoint[Any], ...]:
    """Return the endpoints, given by module, ordered by route.

    Raises DeclarationError for an endpoint that API Gateway would refuse, for two that conflict,
    and for an unknown table, index, queue or setting.
    """
    claims: dict[object, object] = {}
    for name, endpoint in endpoints.items():
        file = f"function/endpoints/{name}.py"
        where = f"{file}: {endpoint.route}"
        references = reference_errors(*endpoint.permissions)
        raise_first(where, declaration_errors(endpoint), _auth_errors(endpoint), references)
        for key, value, error in _claims(endpoint, file):
            if (known := claims.setdefault(key, value)) != value:
                raise DeclarationError(f"{where}: {error.replace('{}', str(known))}")
    return tuple(sorted(endpoints.values(), key=lambda endpoint: endpoint.route))


@cache
def load_endpoints() -> tuple[Endpoint[Any], ...]:
    """Return the endpoints of `function/endpoints`; raise DeclarationError for an invalid one."""
    if not endpoints_by_module():
        raise DeclarationError("function/endpoints has no module yet; docs/extending.md shows one")
    return validate_endpoints(endpoints_by_module())
