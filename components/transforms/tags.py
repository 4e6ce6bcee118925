"""Default tags.

The provider's `default_tags` would need an explicit provider on every component, and the local
run, the snapshot and the scan would not see the tags.
"""

from collections.abc import Mapping

import pulumi


def apply_default_tags(tags: Mapping[str, str]) -> None:
    """Set these tags on every resource declared from now on that takes tags."""

    def tagged(
        args: pulumi.ResourceTransformationArgs,
    ) -> pulumi.ResourceTransformationResult | None:
        if "tags" not in args.props:
            return None
        props = {**args.props, "tags": dict(tags)}
        return pulumi.ResourceTransformationResult(props=props, opts=args.opts)

    pulumi.runtime.register_stack_transformation(tagged)
