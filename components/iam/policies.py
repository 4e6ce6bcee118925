"""IAM policies from the permissions that endpoints and jobs declare."""

import json
from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import pulumi
import pulumi_aws as aws

from components import limits
from components.errors import ConfigError
from function.declare.permission import (
    Link,
    Permission,
    ServicePermission,
    TopicPermission,
    fill_settings,
)
from function.declare.topic import Topic

Statement = dict[str, Any]

# Through these services a role could create or assume another identity without its boundary.
_FORBIDDEN_SERVICES = ("account:", "iam:", "organizations:", "sts:")


def check_forbidden_actions(services: Iterable[ServicePermission | Link]) -> None:
    """Raise ConfigError for actions that no permissions boundary may allow."""
    actions = {action for service in services for action in service.actions}
    if forbidden := sorted(one for one in actions if one.startswith(_FORBIDDEN_SERVICES)):
        raise ConfigError(
            f"no permissions boundary may allow {', '.join(forbidden)}: remove them from the "
            "ServicePermission or Link"
        )


def declared_services(
    access: Collection[Permission], topics: Mapping[str, Topic]
) -> list[ServicePermission | Link]:
    """Return the permissions for other resources than the stack's own, existing topics included."""
    services = [one for one in access if isinstance(one, (ServicePermission, Link))]
    named = {one.topic for one in access if isinstance(one, TopicPermission)}
    arns = [topics[name].arn for name in sorted(named) if topics[name].arn]
    return services + [ServicePermission("sns", arn, ("sns:Publish",)) for arn in arns]


def check_boundary(
    access: Collection[Permission],
    settings: Mapping[str, str],
    topics: Mapping[str, Topic],
    boundary: str,
) -> None:
    """Raise ConfigError for a declared service or link that the permissions boundary denies.

    `boundary` is the ARN of the policy, which this function reads from the account.
    """
    services = declared_services(access, topics)
    if not services:  # every boundary allows all other permissions
        return
    allowed = json.loads(aws.iam.get_policy(arn=boundary).policy)
    check_forbidden_actions(services)
    for service in services:
        # The ARN of a link's new resource is not known yet.
        resource = fill_settings(service.resource, settings) or "its resource"
        denied = [
            action
            for action in service.actions
            if not any(
                _matches(action, statement["Action"])
                and (not service.resource or _matches(resource, statement["Resource"]))
                for statement in allowed["Statement"]
                if statement["Effect"] == "Allow" and "Condition" not in statement
            )
        ]
        if denied:
            raise ConfigError(
                f"the permissions boundary denies {', '.join(denied)} on {resource} to the stack's "
                "roles; an administrator of the account adds declared permissions to it by: "
                "pulumi -C bootstrap up"
            )


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _matches(name: str, patterns: str | list[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in _listed(patterns))


def telemetry_statements(log_group: str) -> list[Statement]:
    """Return the statements to write logs and traces."""
    streams = [log_group, f"{log_group}:log-stream:*"]
    return [
        allow(["logs:CreateLogStream", "logs:PutLogEvents"], streams),
        # X-Ray's write actions support no resource but "*".
        allow(["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "*"),
    ]


# Lambda needs these actions to connect a function to a VPC. Most support no resource but "*".
NETWORK_ACTIONS = [
    f"ec2:{action}"
    for action in (
        *("AssignPrivateIpAddresses", "CreateNetworkInterface", "DeleteNetworkInterface"),
        *("DescribeNetworkInterfaces", "DescribeSubnets", "UnassignPrivateIpAddresses"),
    )
]


def network_statements() -> list[Statement]:
    """Return the statements by which Lambda, but no code of a function, uses network interfaces."""
    by_code = {"ArnLike": {"lambda:SourceFunctionArn": "arn:*:lambda:*:*:function:*"}}
    denied = allow([*NETWORK_ACTIONS, "ec2:DetachNetworkInterface"], "*")
    return [allow(NETWORK_ACTIONS, "*"), denied | {"Effect": "Deny", "Condition": by_code}]


def allow(actions: list[str], resource: str | list[str]) -> Statement:
    """Return a statement that allows actions on a resource."""
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def merge(statements: Iterable[Statement]) -> list[Statement]:
    """Return the statements with one for each set of allowed actions, on all of its resources."""
    actions: dict[str, set[str]] = {}
    denials = []
    for statement in statements:
        if statement["Effect"] == "Deny":
            denials.append(statement)
            continue
        for resource in _listed(statement["Resource"]):
            actions.setdefault(resource, set()).update(statement["Action"])
    resources: dict[tuple[str, ...], list[str]] = {}
    for resource, names in actions.items():
        resources.setdefault(tuple(sorted(names)), []).append(resource)
    allowed = [
        allow([*names], found[0] if len(found) == 1 else found)
        for names, found in resources.items()
    ]
    return allowed + denials


def document(*statements: Statement) -> str:
    """Return a policy document without white space, since IAM counts its characters."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))


def role_document(role: str, statements: Iterable[Statement]) -> str:
    """Return a role's inline policy. Raises ConfigError if it is too long for IAM.

    IAM counts it together with the former one, which stays for a rollback.
    """
    merged = merge(statements)
    sizes = {
        f"{', '.join(one['Action'])} on {len(_listed(one['Resource']))} resources": len(
            json.dumps(one, separators=(",", ":"))
        )
        for one in merged
    }
    way_out = "Declare the same actions for tables that share them, or shorten their names"
    subject = f"the policy of role {role}"
    limits.check(subject, sizes, limits.ROLE_POLICY_SIZE, "characters", way_out)
    if sum(sizes.values()) > limits.ROLE_POLICY_SIZE // 2:
        pulumi.log.warn(
            f"{subject} has more than half of the characters that IAM allows, so "
            f"another one does not fit beside it. {way_out}; or, before you deploy other rights, "
            "delete this policy by `aws iam delete-role-policy`: calls fail until the update ends"
        )
    return document(*merged)
