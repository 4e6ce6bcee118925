"""The permissions of an endpoint or a job.

A ServicePermission also adds the service's client to the bundle.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, NamedTuple, TypeAlias

from function.declare.checks import Name, matches, not_empty
from function.declare.limits import READ_TIMEOUT_S, call_deadline_s
from function.declare.setting import setting_env_var

# DynamoDB's actions on the items of a table, without wildcards.
ACTIONS = frozenset(
    f"dynamodb:{name}"
    for name in (
        *("BatchGetItem", "BatchWriteItem", "ConditionCheckItem", "DeleteItem", "GetItem"),
        *("PartiQLDelete", "PartiQLInsert", "PartiQLSelect", "PartiQLUpdate"),
        *("PutItem", "Query", "Scan", "UpdateItem"),
    )
)

_TableAction = Annotated[
    str, matches("|".join(ACTIONS), f"one of DynamoDB's actions: {', '.join(sorted(ACTIONS))}")
]
_Action = Annotated[str, matches(r"[a-z0-9-]+:[A-Za-z0-9]+", "an action such as s3:PutObject")]
_ObjectAction = Annotated[
    str, matches(r"s3:[A-Z][a-z]+Object[A-Za-z]*", "an action on objects such as s3:GetObject")
]
_PLACEHOLDER = r"\{(\w+)\}"


def settings_in(text: str) -> frozenset[str]:
    """Return the names of the settings in a text."""
    return frozenset(re.findall(_PLACEHOLDER, text))


def fill_settings(text: str, environment: Mapping[str, str]) -> str:
    """Return a text with the settings of a function's environment in place."""
    return re.sub(_PLACEHOLDER, lambda found: environment[setting_env_var(found[1])], text)


class TablePermission(NamedTuple):
    """IAM actions, of ACTIONS, that an endpoint needs on one of the stack's tables.

    With `index_name`, IAM allows them on that index of the table, and not on the table itself.
    """

    table: str
    actions: Annotated[tuple[_TableAction, ...], not_empty]
    index_name: str = ""


class QueuePermission(NamedTuple):
    """The permission to send to one of the stack's queues."""

    queue: str


class TopicPermission(NamedTuple):
    """The permission to publish to one of the topics of `function/topics.py`."""

    topic: str


class SecretPermission(NamedTuple):
    """The permission to read a stack's secret, as in `SecretPermission(PARTNER_TOKEN.name)`."""

    setting: str


class BucketPermission(NamedTuple):
    """IAM actions that an endpoint needs on the objects of one of the stack's buckets."""

    bucket: str
    actions: Annotated[tuple[_ObjectAction, ...], not_empty]


class ServicePermission(NamedTuple):
    """The permission to call an AWS service on resources that are not the stack's own.

    `name` is the name of boto3's client. `resource` is an ARN, in which `{name}` stands for a
    setting of `function.settings` and `*` for anything. `actions` are IAM actions. `timeout_s`
    limits the wait for the response to each of the two attempts.
    """

    name: str
    resource: Annotated[str, matches(r"\*|(arn:|\{).*", "an ARN or '*'")]
    actions: Annotated[tuple[_Action, ...], not_empty]
    timeout_s: float = 2


class Link(NamedTuple):
    """A resource that `infrastructure.py` declares or knows, and the permission to use it.

    `function/runtime/links.py` gives its value, such as an ARN. `service` is the name of boto3's
    client and `actions` are IAM actions; a link without both is a value only. `resource` is the
    pattern of ARNs for the permissions boundary, as in a ServicePermission. By default it is the
    names that begin with the stack's prefix. `timeout_s` is that of a ServicePermission.
    """

    name: Name
    service: str = ""
    actions: tuple[_Action, ...] = ()
    resource: Annotated[str, matches(r"|\*|(arn:|\{).*", "an ARN or '*'")] = ""
    timeout_s: float = 2

    @property
    def env_var(self) -> str:
        """The environment variable that holds its value on AWS."""
        return f"LINK_{self.name.upper().replace('-', '_')}"


Permission: TypeAlias = (
    TablePermission
    | QueuePermission
    | TopicPermission
    | SecretPermission
    | BucketPermission
    | ServicePermission
    | Link
)


def calls_end_within(seconds: int) -> Callable[[str, Iterable[Permission]], Iterator[str]]:
    """Return a check for permissions whose calls all end before their function must."""

    def check(field: str, value: Iterable[Permission]) -> Iterator[str]:
        if (deadline_s := longest_call_s(value)) >= seconds:
            yield (
                f"{field}: a call may take {deadline_s:g} s, but the response must come within "
                f"{seconds} s: lower timeout_s, or let a job make the call"
            )

    return check


def longest_call_s(permissions: Iterable[Permission]) -> float:
    """Return the longest deadline of a call by these permissions; 0 without one."""
    timeouts = (getattr(permission, "timeout_s", READ_TIMEOUT_S) for permission in permissions)
    return max(map(call_deadline_s, timeouts), default=0)
