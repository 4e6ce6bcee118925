"""Bindings: the resources that functions use, by the names of their declarations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import pulumi

from components.bucket import EpochBucket
from components.errors import ConfigError
from components.iam import policies
from components.queue import EpochQueue
from components.secret import EpochSecret
from components.table import EpochTable
from components.topic import EpochTopic
from function.declare.permission import (
    BucketPermission,
    Link,
    Permission,
    QueuePermission,
    SecretPermission,
    ServicePermission,
    TablePermission,
    TopicPermission,
    fill_settings,
)

_Arns: TypeAlias = pulumi.Input[str] | list[pulumi.Input[str]]


@dataclass(frozen=True)
class Linked:
    """The resource of a Link: its ARN or ARNs, and the value that `links.value` gives to handlers.

    The value is the first ARN by default.
    """

    arn: pulumi.Input[str] | list[pulumi.Input[str]] = ""
    value: pulumi.Input[str] | None = None

    @property
    def shown(self) -> pulumi.Input[str]:
        """The value for the handlers."""
        if self.value is not None:
            return self.value
        return self.arn[0] if isinstance(self.arn, list) else self.arn


@dataclass(frozen=True, kw_only=True)
class Bindings:
    """The resources that functions use, by the names of their declarations.

    `settings` are environment variables with their values.
    """

    tables: Mapping[str, EpochTable] = field(default_factory=dict)
    queues: Mapping[str, EpochQueue] = field(default_factory=dict)
    topics: Mapping[str, EpochTopic] = field(default_factory=dict)
    buckets: Mapping[str, EpochBucket] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, EpochSecret] = field(default_factory=dict)
    links: Mapping[str, Linked] = field(default_factory=dict)

    def environment(self, permissions: Sequence[Permission]) -> dict[str, pulumi.Input[str]]:
        """Return the variables through which a function finds what it has permissions for."""
        found: dict[str, pulumi.Input[str]] = dict(self.settings)
        for permission in permissions:
            match permission:
                case TablePermission(table):
                    found[self.tables[table].declared.env_var] = self.tables[table].name
                case QueuePermission(queue):
                    found[self.queues[queue].declared.env_var] = self.queues[queue].url
                case TopicPermission(topic):
                    found[self.topics[topic].declared.env_var] = self.topics[topic].arn
                case BucketPermission(bucket):
                    found[self.buckets[bucket].declared.env_var] = self.buckets[bucket].name
                case SecretPermission(setting):
                    found[self.secrets[setting].declared.env_var] = self.secrets[setting].arn
                case Link(name):
                    found[permission.env_var] = self.links[name].shown
        return found

    def _granted(self, permission: Permission) -> tuple[_Arns, tuple[str, ...]]:
        """Return the ARN or ARNs that a permission is for, and the actions on them."""
        arns: _Arns
        actions: tuple[str, ...]
        match permission:
            case TablePermission(table, actions, index):
                suffix = f"/index/{index}" if index else ""
                arns = pulumi.Output.concat(self.tables[table].arn, suffix)
            case QueuePermission(queue):
                arns, actions = self.queues[queue].arn, ("sqs:SendMessage",)
            case TopicPermission(topic):
                arns, actions = self.topics[topic].arn, ("sns:Publish",)
            case SecretPermission(setting):
                arns, actions = self.secrets[setting].arn, ("secretsmanager:GetSecretValue",)
            case BucketPermission(bucket, actions):
                arns = pulumi.Output.concat(self.buckets[bucket].arn, "/*")
            case Link(name, _, actions):
                if name not in self.links:
                    raise ConfigError(
                        f"infrastructure.py: link {name!r} has no resource; return one by "
                        f"{{{name!r}: Linked(…)}}"
                    )
                arns = self.links[name].arn
            case ServicePermission():
                arns = fill_settings(permission.resource, self.settings)
                actions = permission.actions
        return arns, actions

    def statements(
        self, permissions: Sequence[Permission]
    ) -> pulumi.Output[list[policies.Statement]]:
        """Return the policy statements for `permissions`.

        Raises ConfigError for a link without a resource.
        """
        granted = [self._granted(permission) for permission in permissions]
        actions = [[*actions] for _, actions in granted]
        return pulumi.Output.all(*(arns for arns, _ in granted)).apply(
            lambda known: [policies.allow(*one) for one in zip(actions, known) if one[0]]
        )
