"""The name that all of a stack's resources start with, checked against AWS's limits."""

import hashlib
import re
from collections.abc import Iterable

from components.stack_config import ConfigError

# Lambda's functions and IAM's roles have the shortest names; Pulumi adds "-" and seven digits.
_LONGEST = 64 - 8


def resource_prefix(project: str, stack: str) -> str:
    """Return `<project>-<stack>`, with `_` for each hyphen within either.

    So no stack's prefix and hyphen begin another's names: the role that deploys `dev` is granted
    `epoch-dev-*`, and the names of `dev-eu` begin with `epoch-dev_eu-`. Raises ConfigError.
    """
    for what, given in (("project", project), ("stack", stack)):
        if not re.fullmatch(r"[A-Za-z0-9-]+", given):
            raise ConfigError(
                f"{what} {given!r} must be letters, digits and '-', so that AWS takes its names "
                "and no others begin like them"
            )
    return "-".join(part.replace("-", "_") for part in (project, stack))


def checked_prefix(project: str, stack: str, functions: Iterable[str]) -> str:
    """Return the prefix of a stack's names.

    `functions` are what names of functions and roles add to it. Raises ConfigError, which names
    the longest that fits, where AWS would refuse one.
    """
    name = resource_prefix(project, stack)
    longest = max(functions, key=len)
    excess = len(f"{name}-{longest}") - _LONGEST
    if excess > 0:
        room = len(stack) - excess
        way_out = (
            f"stack {stack!r} may have {room} characters, for example {stack[:room].strip('-_')!r}"
            if room > 0
            else f"project {project!r} must be shorter"
        )
        raise ConfigError(
            f"AWS names functions and roles with 64 characters, {name}-{longest} and Pulumi's "
            f"suffix have {excess} more: {way_out}"
        )
    return name


def sampling_rule(name: str) -> str:
    """Return the name of the sampling rule of a stack with this prefix, of the 32 characters that
    X-Ray allows; the end of a longer one is a digest, as stacks of a project begin alike."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    return name if len(name) <= 32 else f"{name[:24]}-{digest[:7]}"
