"""A team's own changes to the properties of the underlying resources."""

import difflib
from collections.abc import Callable
from typing import Any

import pulumi

from components.program_errors import ConfigError

Customize = Callable[[str, str, dict[str, Any]], None]


def apply_customization(customize: Customize) -> None:
    """Let `customize` change the properties of every resource declared from now on.

    `customize` gets the type token, the logical name and the properties of a resource, and changes
    the properties in place. Raises ConfigError for a property that the type does not have.
    """

    def customized(
        args: pulumi.ResourceTransformationArgs,
    ) -> pulumi.ResourceTransformationResult | None:
        if isinstance(args.resource, pulumi.ComponentResource):
            return None
        props = dict(args.props)
        customize(args.type_, args.name, props)
        # The properties hold every name that the type has, None where nothing sets it.
        for name in sorted(props.keys() - args.props.keys()):
            near = ", ".join(difflib.get_close_matches(name, list(args.props))) or "no similar name"
            raise ConfigError(
                f"customize.py: {args.type_} ({args.name}) has no property {name}, but: {near}"
            )
        return pulumi.ResourceTransformationResult(props=props, opts=args.opts)

    pulumi.runtime.register_stack_transformation(customized)
