"""What a function's role may do, from what its endpoints or its job declare."""

import json
import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import pulumi

from deployer.policy import BOUNDARY
from function.contract import Access, Permission
from function.messages import Send
from function.services import Service

Statement = dict[str, Any]


class BoundaryError(pulumi.RunError):
    """A declared access that the permissions boundary of the stack's roles keeps from them."""


def check(access: Iterable[Permission], settings: Mapping[str, str]) -> None:
    """Raise BoundaryError for a service that BOUNDARY in deployer/policy.py does not have."""
    for service in (permission for permission in access if isinstance(permission, Service)):
        resource = service.arn(settings)
        within = {
            action
            for grant in BOUNDARY
            for allowed in grant.resources
            if fnmatchcase(resource, re.sub(r"\{\w+\}", "*", allowed))
            for pattern in grant.writes
            for action in service.actions
            if fnmatchcase(action, pattern)
        }
        if beyond := tuple(action for action in service.actions if action not in within):
            raise BoundaryError(
                f"the permissions boundary keeps {', '.join(beyond)} on {resource} from the "
                "stack's roles: add to BOUNDARY in deployer/policy.py "
                f'Grant(why="…", resources=("{resource}",), writes={beyond!r}), '
                "and deploy the deployer"
            )


def statements(
    access: Iterable[Permission],
    table_arns: Mapping[str, str],
    queue_arns: Mapping[str, str],
    settings: Mapping[str, str],
) -> list[Statement]:
    """Return a statement for each resource that is named, with all actions on it."""
    actions: dict[str, set[str]] = {}
    for permission in access:
        if isinstance(permission, Access):
            index = f"/index/{permission.index_name}" if permission.index_name else ""
            resource = table_arns[permission.table] + index
            actions.setdefault(resource, set()).update(permission.actions)
        elif isinstance(permission, Send):
            actions.setdefault(queue_arns[permission.queue], set()).add("sqs:SendMessage")
        else:
            actions.setdefault(permission.arn(settings), set()).update(permission.actions)
    return [allow(sorted(names), resource) for resource, names in sorted(actions.items())]


def reading(secrets: list[str]) -> list[Statement]:
    """Return what a function needs to read these secrets."""
    return [allow(["secretsmanager:GetSecretValue"], secrets)] if secrets else []


def observing(log_group: str) -> list[Statement]:
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


def policy(allowed: Iterable[Statement]) -> str:
    """Return a policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(allowed)})
