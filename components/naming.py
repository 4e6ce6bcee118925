"""The prefix of the names of a stack's resources, within AWS's limits."""

import hashlib
import re
from collections.abc import Iterable

from components.errors import ConfigError

# Functions and roles have the shortest limit, 64 characters. Pulumi appends "-" and 7 digits.
_LONGEST = 64 - 8


def resource_prefix(project: str, stack: str) -> str:
    """Return `<project>-<stack>`, with `_` for each hyphen within either.

    So the names of one stack never match the pattern of another: the deploy role of `dev` may
    touch `epoch-dev-*`, and the names of `dev-eu` begin with `epoch-dev_eu-`. Raises ConfigError.
    """
    for what, given in (("project", project), ("stack", stack)):
        if not re.fullmatch(r"[A-Za-z0-9-]+", given):
            raise ConfigError(
                f"{what} {given!r} must be letters, digits and '-': AWS refuses other names, and "
                "'_' stands for '-' in them"
            )
    return "-".join(part.replace("-", "_") for part in (project, stack))


def checked_prefix(project: str, stack: str, functions: Iterable[str]) -> str:
    """Return the prefix of a stack's names, once all names fit.

    `functions` are the parts that the names of functions and roles append. Raises ConfigError with
    the longest possible name of the stack.
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
            f"AWS limits names of functions and roles to 64 characters; {name}-{longest} with "
            f"Pulumi's suffix has {excess} more: {way_out}"
        )
    return name


def sampling_rule(name: str) -> str:
    """Return the name of a stack's sampling rule, in the 32 characters that X-Ray allows.

    A longer name ends in a digest, since the prefixes of a project's stacks begin alike.
    """
    digest = hashlib.sha256(name.encode()).hexdigest()
    return name if len(name) <= 32 else f"{name[:24]}-{digest[:7]}"


def bucket_name(name: str) -> str:
    """Return a name of this stack as S3 takes it: in lower case, with '.' for '_'.

    No hyphen takes the place of '_', so that no stack's bucket names begin with another's prefix.
    """
    return name.lower().replace("_", ".")
