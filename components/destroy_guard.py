"""EpochDestroyGuard: stops a mistaken `pulumi destroy` before it deletes anything."""

from collections.abc import Sequence

import pulumi


def collect_resources() -> Sequence[pulumi.Resource]:
    """Return a list that gains every resource that is declared from now on."""
    declared: list[pulumi.Resource] = []

    def see(args: pulumi.ResourceTransformationArgs) -> None:
        declared.append(args.resource)

    pulumi.runtime.register_stack_transformation(see)
    return declared


class EpochDestroyGuard(pulumi.ComponentResource):
    """Depends on all that is `resources` it, and is nothing itself.

    What depends on others is deleted before them, and Pulumi's `protect` stops only the deletion of
    what it marks. So it marks what has to go first; all that serves can still be replaced.
    """

    def __init__(
        self,
        name: str,
        *,
        protect: bool,
        resources: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        guarding = pulumi.ResourceOptions(protect=protect, depends_on=list(resources))
        opts = pulumi.ResourceOptions.merge(opts, guarding)
        super().__init__("epoch:components:EpochDestroyGuard", name, None, opts)
        self.register_outputs({})
