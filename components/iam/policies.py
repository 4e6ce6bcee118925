"""What a function's role may do, from what its endpoints or its job declare."""

import json
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import pulumi
import pulumi_aws as aws

from components.iam.boundary import forbidden_actions_error
from function.declare.permission import TablePermission, Permission
from function.declare.permission import QueuePermission
from function.declare.permission import ServicePermission

Statement = dict[str, Any]


class BoundaryError(pulumi.RunError):
    """A declared access that the permissions boundary of the stack's roles keeps from them."""


def check_boundary(
    access: Iterable[Permission], settings: Mapping[str, str], boundary: str
) -> None:
    """Raise BoundaryError for a declared service that the policy with this ARN, as it is in the
    account, keeps from the stack's roles."""
    services = [permission for permission in access if isinstance(permission, ServicePermission)]
    if not services:  # all else is in every boundary
        return
    document = json.loads(aws.iam.get_policy(arn=boundary).policy)
    for service in services:
        if never := forbidden_actions_error([service]):
            raise BoundaryError(never)
        resource = service.arn(settings)
        beyond = [
            action
            for action in service.actions
            if not any(
                _matches(action, statement["Action"]) and _matches(resource, statement["Resource"])
                for statement in document["Statement"]
                if statement["Effect"] == "Allow" and "Condition" not in statement
            )
        ]
        if beyond:
            raise BoundaryError(
                f"the permissions boundary keeps {', '.join(beyond)} on {resource} from the "
                "stack's roles: it takes in what is declared when somebody who administers the "
                "account brings the deployer up, by pulumi -C bootstrap up"
            )


def _matches(name: str, patterns: str | list[str]) -> bool:
    return any(
        fnmatchcase(name, pattern)
        for pattern in ([patterns] if isinstance(patterns, str) else patterns)
    )


def resource_statements(
    access: Iterable[Permission],
    table_arns: Mapping[str, str],
    queue_arns: Mapping[str, str],
    settings: Mapping[str, str],
) -> list[Statement]:
    """Return a statement for each resource that is named, with all actions on it."""
    actions: dict[str, set[str]] = {}
    for permission in access:
        if isinstance(permission, TablePermission):
            index = f"/index/{permission.index_name}" if permission.index_name else ""
            resource = table_arns[permission.table] + index
            actions.setdefault(resource, set()).update(permission.actions)
        elif isinstance(permission, QueuePermission):
            actions.setdefault(queue_arns[permission.queue], set()).add("sqs:SendMessage")
        else:
            actions.setdefault(permission.arn(settings), set()).update(permission.actions)
    return [allow(sorted(names), resource) for resource, names in sorted(actions.items())]


def secret_statements(secrets: list[str]) -> list[Statement]:
    """Return what a function needs to read these secrets."""
    return [allow(["secretsmanager:GetSecretValue"], secrets)] if secrets else []


def telemetry_statements(log_group: str) -> list[Statement]:
    """Return what every function needs to be observed."""
    return [
        allow(
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            [log_group, f"{log_group}:log-stream:*"],
        ),
        # X-Ray has no resources to name: its write actions exist only on "*".
        allow(["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "*"),
    ]


def allow(actions: list[str], resource: str | list[str]) -> Statement:
    """Return a statement that allows actions on a resource."""
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def policy_document(allowed: Iterable[Statement]) -> str:
    """Return a policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(allowed)})
