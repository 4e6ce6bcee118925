"""What the names of a stack's resources begin with."""

import re

from components.config import ConfigError


def prefix(project: str, stack: str) -> str:
    """Return `<project>-<stack>`, with `_` for each hyphen within either.

    So no stack's prefix and hyphen begin another's names: the roles that deploy `dev` are granted
    `epoch-dev-*`, and the names of `dev-eu` begin with `epoch-dev_eu-`. Raises ConfigError for what
    is not lower-case letters, digits and hyphens.
    """
    for part in (project, stack):
        if not re.fullmatch(r"[a-z][a-z0-9-]*", part):
            raise ConfigError(
                f"{part} must be of a-z, 0-9 and '-', beginning with a letter, as the name of a "
                "project or stack whose resources are told from others by their names"
            )
    return "-".join(part.replace("-", "_") for part in (project, stack))
