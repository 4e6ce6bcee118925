"""What no role of a stack may ever call, whatever is declared."""

from collections.abc import Iterable

from function.declare.permission import ServicePermission

# By these services' actions a role makes or takes other identities, and so leaves its boundary.
FORBIDDEN_SERVICES = frozenset({"account", "iam", "organizations", "sts"})


def forbidden_actions_error(services: Iterable[ServicePermission]) -> str:
    """Return which actions no boundary may hold, whatever is declared; "" for none."""
    actions = {action for service in services for action in service.actions}
    never = sorted(action for action in actions if action.partition(":")[0] in FORBIDDEN_SERVICES)
    return f"no permissions boundary may hold {', '.join(never)}" if never else ""
