"""Tags on everything that a program declares."""

from collections.abc import Mapping

import pulumi


def apply_default_tags(tags: Mapping[str, str]) -> None:
    """Give these tags to every resource declared from now on that takes tags."""

    def tagged(
        args: pulumi.ResourceTransformationArgs,
    ) -> pulumi.ResourceTransformationResult | None:
        if "tags" not in args.props:
            return None
        props = {**args.props, "tags": dict(tags)}
        return pulumi.ResourceTransformationResult(props=props, opts=args.opts)

    pulumi.runtime.register_stack_transformation(tagged)
