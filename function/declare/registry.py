"""Checks the declarations of `function/` before a deployment, and the references between them."""

import importlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import accumulate, chain
from typing import Any, TypeVar

from function.declare.bucket import Bucket
from function.declare.checks import declaration_errors
from function.declare.endpoint import Endpoint
from function.declare.errors import DeclarationError
from function.declare.loader import endpoints_by_module
from function.declare.permission import (
    INDEX_ACTIONS,
    BucketPermission,
    Link,
    Permission,
    QueuePermission,
    SecretPermission,
    ServicePermission,
    TablePermission,
    TopicPermission,
    settings_in,
)
from function.declare.queue import Queue
from function.declare.setting import Setting
from function.declare.table import Table
from function.declare.topic import Topic

D = TypeVar("D", Bucket, Link, Queue, Setting[Any], Table, Topic)


def load_declarations(
    kind: type[D], module: str, references: Callable[[D], Iterable[str]] = lambda _: ()
) -> dict[str, D]:
    """Return a module's declarations of a kind by name; raise DeclarationError for an invalid one.

    `references` returns the errors in a declaration's references to others.
    """
    found: dict[str, D] = {}
    for variable, item in vars(importlib.import_module(module)).items():
        if not isinstance(item, kind):
            continue
        taken = (
            f"name {item.name!r} is taken by another {kind.__name__.lower()}; choose another one"
        )
        errors = chain([taken] * (item.name in found), declaration_errors(item), references(item))
        for error in errors:  # only the first one: the later ones may be its consequences
            raise DeclarationError(f"{module.replace('.', '/')}.py: {variable}: {error}")
        found[item.name] = item
    return found


def load_settings() -> dict[str, Setting[Any]]:
    """Return the declared settings by name; raise DeclarationError for an invalid one."""
    return load_declarations(Setting, "function.settings")


def load_tables() -> dict[str, Table]:
    """Return the declared tables by name; raise DeclarationError for an invalid one."""
    return load_declarations(Table, "function.tables", _ttl_setting_errors)


def _ttl_setting_errors(table: Table) -> Iterator[str]:
    if table.ttl_setting and table.ttl_setting not in load_settings().values():
        yield f"ttl_setting: function/settings.py declares no {table.ttl_setting.name}"


def load_queues() -> dict[str, Queue]:
    """Return the declared queues by name; raise DeclarationError for an invalid one."""
    return load_declarations(Queue, "function.queues")


def load_buckets() -> dict[str, Bucket]:
    """Return the declared buckets by name; raise DeclarationError for an invalid one."""
    return load_declarations(Bucket, "function.buckets")


def load_links() -> dict[str, Link]:
    """Return the declared links by name; raise DeclarationError for an invalid one."""
    return load_declarations(Link, "function.links")


def load_topics() -> dict[str, Topic]:
    """Return the declared topics by name; raise DeclarationError for an invalid one."""
    return load_declarations(Topic, "function.topics", lambda topic: setting_errors(topic.arn))


# The declarations that jobs read from and permissions name, by their kind.
LOADERS: Mapping[str, Callable[[], Mapping[str, object]]] = {
    "bucket": load_buckets,
    "queue": load_queues,
    "table": load_tables,
    "topic": load_topics,
}
# The kind of the declaration that a permission names in its field of that name.
_NAMED: Mapping[type, str] = {
    BucketPermission: "bucket",
    QueuePermission: "queue",
    TopicPermission: "topic",
}


def setting_errors(text: str) -> Iterator[str]:
    """Yield an error for each `{name}` in a text that is no setting, or a secret one."""
    settings = [name for name, setting in load_settings().items() if not setting.secret]
    for name in sorted(settings_in(text)):
        yield from unknown_name_errors("setting", name, settings)


def unknown_name_errors(kind: str, name: str, known: Iterable[str]) -> Iterator[str]:
    """Yield an error for a name that is not among the declared names of a kind."""
    if name not in known:
        yield f"unknown {kind} {name!r}; known: {', '.join(known) or 'none'}"


def _table_errors(permission: TablePermission, tables: Mapping[str, Table]) -> Iterator[str]:
    yield from unknown_name_errors("table", permission.table, tables)
    if permission.table in tables and permission.index_name:
        known = {index.name: index for index in tables[permission.table].indexes}
        yield from unknown_name_errors(f"index of {permission.table}", permission.index_name, known)
        for action in sorted({*permission.actions} - INDEX_ACTIONS):
            allowed = ", ".join(sorted(INDEX_ACTIONS))
            yield f"{action} is no action on an index; use one of {allowed}"


def _auth_errors(endpoint: Endpoint[Any]) -> Iterator[str]:
    for field in ("issuer", "audience", "pool"):
        value = getattr(endpoint.auth, field, "")
        if isinstance(value, Setting):
            if value.type is not str or value.secret or value not in load_settings().values():
                yield (
                    f"auth: {field} must be a setting of type str in function/settings.py, "
                    f"without secret, not {value.name}"
                )


def reference_errors(
    permissions: Iterable[Permission], tables: Mapping[str, Table]
) -> Iterator[str]:
    """Yield an error for each unknown table, index, queue or setting in permissions."""
    for permission in permissions:
        if isinstance(permission, TablePermission):
            yield from _table_errors(permission, tables)
        elif kind := _NAMED.get(type(permission)):
            yield from unknown_name_errors(kind, getattr(permission, kind), LOADERS[kind]())
        elif isinstance(permission, SecretPermission):
            secrets = [name for name, setting in load_settings().items() if setting.secret]
            yield from unknown_name_errors("secret", permission.setting, secrets)
        elif isinstance(permission, (Link, ServicePermission)):
            if isinstance(permission, Link):
                yield from unknown_name_errors("link", permission.name, load_links())
            yield from setting_errors(permission.resource)


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
    named = "auth: the name {} belongs to another authentication, {}; choose another name"
    yield ("auth", endpoint.auth.name), endpoint.auth, named.replace("{}", endpoint.auth.name, 1)
    cors = "cors must be that of the path's other endpoints, {}"
    yield ("cors", endpoint.path), endpoint.cors, cors


def validate_endpoints(endpoints: Mapping[str, Endpoint[Any]]) -> tuple[Endpoint[Any], ...]:
    """Return the endpoints, given by module, ordered by route.

    Raises DeclarationError for an endpoint that API Gateway would refuse, for two that conflict,
    and for an unknown table, index, queue or setting.
    """
    tables = load_tables()
    claims: dict[object, object] = {}

    def conflicts(endpoint: Endpoint[Any], file: str) -> Iterator[str]:
        for key, value, error in _claims(endpoint, file):
            if (known := claims.setdefault(key, value)) != value:
                yield error.replace("{}", str(known))

    for name, endpoint in endpoints.items():
        file = f"function/endpoints/{name}.py"
        references = reference_errors(endpoint.permissions, tables)
        errors = (declaration_errors(endpoint), conflicts(endpoint, file), _auth_errors(endpoint))
        for error in chain(*errors, references):
            raise DeclarationError(f"{file}: {endpoint.route}: {error}")
    return tuple(sorted(endpoints.values(), key=lambda endpoint: endpoint.route))


@cache
def load_endpoints() -> tuple[Endpoint[Any], ...]:
    """Return the endpoints of `function/endpoints`; raise DeclarationError for an invalid one."""
    if not endpoints_by_module():
        raise DeclarationError("function/endpoints has no module yet; docs/extending.md shows one")
    return validate_endpoints(endpoints_by_module())
