"""Stack transformations: changes to every resource of a program."""

from collections.abc import Callable
from typing import Any

import pulumi

# Returns the new properties of a resource, given its type token, its name and its properties.
Transform = Callable[[str, str, dict[str, Any]], dict[str, Any]]


def transform_resources(transform: Transform) -> None:
    """Change the properties of every resource declared from now on, components apart."""

    def transformed(
        args: pulumi.ResourceTransformationArgs,
    ) -> pulumi.ResourceTransformationResult | None:
        if isinstance(args.resource, pulumi.ComponentResource):
            return None
        props = transform(args.type_, args.name, dict(args.props))
        return pulumi.ResourceTransformationResult(props=props, opts=args.opts)

    pulumi.runtime.register_stack_transformation(transformed)
