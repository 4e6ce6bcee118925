"""The prefix of the names of a stack's resources, within AWS's limits."""

import hashlib
import re

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


def check_length(name: str) -> None:
    """Raise ConfigError for a name of a function or role that AWS would refuse."""
    if (excess := len(name) - _LONGEST) > 0:
        raise ConfigError(
            f"AWS limits names of functions and roles to 64 characters; {name} with Pulumi's "
            f"suffix has {excess} more: shorten the name of the stack, the project or the job"
        )


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
