"""The AWS services that no permissions boundary may allow."""

from collections.abc import Iterable

from function.declare.permission import ServicePermission

# Through these services a role could create or assume another identity without its boundary.
FORBIDDEN_SERVICES = frozenset({"account", "iam", "organizations", "sts"})


def forbidden_actions_error(services: Iterable[ServicePermission]) -> str:
    """Return an error that names the forbidden actions; "" for none."""
    actions = {action for service in services for action in service.actions}
    forbidden = sorted(
        action for action in actions if action.partition(":")[0] in FORBIDDEN_SERVICES
    )
    return (
        f"no permissions boundary may allow {', '.join(forbidden)}: remove them from the Service"
        if forbidden
        else ""
    )
