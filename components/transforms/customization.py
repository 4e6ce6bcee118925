"""A team's own changes to the properties of the underlying resources."""

import difflib
from collections.abc import Callable
from typing import Any

from components.errors import ConfigError
from components.transforms import transform_resources


def apply_customization(customize: Callable[[str, str, dict[str, Any]], None]) -> None:
    """Let `customize` change the properties of every resource declared from now on.

    `customize` gets the type token, the logical name and the properties of a resource, and changes
    the properties in place. Raises ConfigError for a property that the type does not have.
    """

    def customized(kind: str, name: str, props: dict[str, Any]) -> dict[str, Any]:
        known = list(props)  # every property of the type, None where nothing sets it
        customize(kind, name, props)
        for unknown in sorted(props.keys() - known):
            near = ", ".join(difflib.get_close_matches(unknown, known)) or "no similar name"
            raise ConfigError(
                f"customize.py: {kind} ({name}) has no property {unknown}, but: {near}"
            )
        return props

    transform_resources(customized)
