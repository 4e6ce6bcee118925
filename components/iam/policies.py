"""IAM policies from the permissions that endpoints and jobs declare."""

import json
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import pulumi
import pulumi_aws as aws

from components.iam.boundary import forbidden_actions_error
from function.declare.permission import (
    BucketPermission,
    Permission,
    QueuePermission,
    SecretPermission,
    ServicePermission,
    TablePermission,
)

Statement = dict[str, Any]


class BoundaryError(pulumi.RunError):
    """The permissions boundary of the stack's roles denies a declared permission."""


def check_boundary(
    access: Iterable[Permission], settings: Mapping[str, str], boundary: str
) -> None:
    """Raise BoundaryError for a declared service that the permissions boundary denies.

    `boundary` is the ARN of the policy, which this function reads from the account.
    """
    services = [permission for permission in access if isinstance(permission, ServicePermission)]
    if not services:  # every boundary allows all other permissions
        return
    document = json.loads(aws.iam.get_policy(arn=boundary).policy)
    for service in services:
        if error := forbidden_actions_error([service]):
            raise BoundaryError(error)
        resource = service.arn(settings)
        denied = [
            action
            for action in service.actions
            if not any(
                _matches(action, statement["Action"]) and _matches(resource, statement["Resource"])
                for statement in document["Statement"]
                if statement["Effect"] == "Allow" and "Condition" not in statement
            )
        ]
        if denied:
            raise BoundaryError(
                f"the permissions boundary denies {', '.join(denied)} on {resource} to the stack's "
                "roles; an administrator of the account adds declared services to it by: "
                "pulumi -C bootstrap up"
            )


def _matches(name: str, patterns: str | list[str]) -> bool:
    return any(
        fnmatchcase(name, pattern)
        for pattern in ([patterns] if isinstance(patterns, str) else patterns)
    )


def resource_statements(
    access: Iterable[Permission],
    arns: Mapping[str, Mapping[str, str]],
    settings: Mapping[str, str],
) -> list[Statement]:
    """Return one statement per resource, with all actions on it.

    `arns` maps `tables`, `queues`, `buckets` and `secrets` to their ARNs by name.
    """
    actions: dict[str, set[str]] = {}
    for permission in access:
        if isinstance(permission, TablePermission):
            index = f"/index/{permission.index_name}" if permission.index_name else ""
            resource = arns["tables"][permission.table] + index
            actions.setdefault(resource, set()).update(permission.actions)
        elif isinstance(permission, QueuePermission):
            actions.setdefault(arns["queues"][permission.queue], set()).add("sqs:SendMessage")
        elif isinstance(permission, SecretPermission):
            arn = arns["secrets"][permission.setting]
            actions.setdefault(arn, set()).add("secretsmanager:GetSecretValue")
        elif isinstance(permission, BucketPermission):
            resource = arns["buckets"][permission.bucket] + "/*"
            actions.setdefault(resource, set()).update(permission.actions)
        else:
            actions.setdefault(permission.arn(settings), set()).update(permission.actions)
    return [allow(sorted(names), resource) for resource, names in sorted(actions.items())]


def telemetry_statements(log_group: str) -> list[Statement]:
    """Return the statements to write logs and traces."""
    return [
        allow(
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            [log_group, f"{log_group}:log-stream:*"],
        ),
        # X-Ray's write actions support no resource but "*".
        allow(["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "*"),
    ]


def allow(actions: list[str], resource: str | list[str]) -> Statement:
    """Return a statement that allows actions on a resource."""
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def policy_document(allowed: Iterable[Statement]) -> str:
    """Return a policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(allowed)})
