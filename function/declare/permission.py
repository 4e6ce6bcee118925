"""What an endpoint or a job may be permitted to do, each as one value of its `permissions`.

A service that a declaration names in its `permissions` is permitted to it and comes with the bundle.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from function.declare.checks import type_errors
from function.declare.setting import variable

# DynamoDB's actions on the items of a table; a wildcard is none of them.
ACTIONS = frozenset(
    f"dynamodb:{name}"
    for name in (
        *("BatchGetItem", "BatchWriteItem", "ConditionCheckItem", "DeleteItem", "GetItem"),
        *("PartiQLDelete", "PartiQLInsert", "PartiQLSelect", "PartiQLUpdate"),
        *("PutItem", "Query", "Scan", "UpdateItem"),
    )
)

INDEX_ACTIONS = frozenset({"dynamodb:PartiQLSelect", "dynamodb:Query", "dynamodb:Scan"})

# Compiled where one is met: most services call none.
_ACTION = r"[a-z0-9-]+:[A-Za-z0-9]+"
_PLACEHOLDER = r"\{(\w+)\}"


class TablePermission(NamedTuple):
    """IAM actions, of ACTIONS, that an endpoint needs on one of the stack's tables.

    With `index_name` they are allowed on that index of the table, and not on the table itself.
    """

    table: str
    actions: tuple[str, ...]
    index_name: str = ""

    def errors(self) -> Iterator[str]:
        """Return why IAM could not take it."""
        yield from type_errors(self, table=str, actions=[str], index_name=str)
        if not self.actions:
            yield f"the access to {self.table} has no actions"
        for action in self.actions:
            if action not in ACTIONS:
                yield f"{action!r} is not one of DynamoDB's actions: {', '.join(sorted(ACTIONS))}"


class QueuePermission(NamedTuple):
    """The permission to send to one of the stack's queues."""

    queue: str

    def errors(self) -> Iterator[str]:
        """Return why there could be no such permission."""
        yield from type_errors(self, queue=str)


class BucketPermission(NamedTuple):
    """IAM actions that an endpoint needs on the objects of one of the stack's buckets."""

    bucket: str
    actions: tuple[str, ...]

    def errors(self) -> Iterator[str]:
        """Yield the reasons for which IAM would refuse it."""
        yield from type_errors(self, bucket=str, actions=[str])
        if not self.actions:
            yield f"the permission for {self.bucket} has no actions"
        for action in self.actions:
            if not re.fullmatch(r"s3:[A-Z][a-z]+Object[A-Za-z]*", action):
                yield f"{action!r} is not an action on objects such as s3:GetObject"


class ServicePermission(NamedTuple):
    """The permission to call an AWS service on resources that are not the stack's own.

    `name` is that of boto3's client; `resource` an ARN, in which `{name}` stands for a setting of
    `function.settings` and `*` for anything; `actions` are IAM's. `timeout_s` is how long an
    answer may take, of which two attempts are made.
    """

    name: str
    resource: str
    actions: tuple[str, ...]
    timeout_s: float = 2

    def errors(self) -> Iterator[str]:
        """Return why IAM could not take it."""
        yield from type_errors(self, name=str, resource=str, actions=[str], timeout_s=(int, float))
        if not self.actions:
            yield f"the access to {self.name} has no actions"
        if not (self.resource == "*" or self.resource.startswith(("arn:", "{"))):
            yield f"resource {self.resource!r} of {self.name} is neither an ARN nor '*'"
        for action in self.actions:
            if not re.fullmatch(_ACTION, action):
                yield f"{action!r} is not an action such as s3:PutObject"

    @property
    def settings(self) -> frozenset[str]:
        """The names of the settings in its resource."""
        return frozenset(re.findall(_PLACEHOLDER, self.resource))

    def arn(self, environment: Mapping[str, str]) -> str:
        """Return the resource with the settings that a function's environment holds."""
        return re.sub(_PLACEHOLDER, lambda found: environment[variable(found[1])], self.resource)


# What an endpoint or a job may declare as its `access`.
Permission: TypeAlias = TablePermission | QueuePermission | BucketPermission | ServicePermission
_PERMISSIONS = (TablePermission, QueuePermission, BucketPermission, ServicePermission)


def permission_errors(access: Any) -> Iterator[str]:
    """Return why IAM could not take what an endpoint or a job declares as its `permissions`."""
    for permission in access:
        if isinstance(permission, _PERMISSIONS):
            yield from permission.errors()
        else:
            yield f"access: {repr(permission)[:60]} is no Access, Send or Service"
