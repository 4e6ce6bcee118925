"""EpochDestroyGuard: stops a mistaken `pulumi destroy` before it deletes anything."""

from collections.abc import Sequence

import pulumi

from components.component import EpochComponent


def collect_resources() -> Sequence[pulumi.Resource]:
    """Return a list that will hold every resource that the program declares from now on."""
    declared: list[pulumi.Resource] = []

    def collect(args: pulumi.ResourceTransformationArgs) -> None:
        declared.append(args.resource)

    pulumi.runtime.register_stack_transformation(collect)
    return declared


class EpochDestroyGuard(EpochComponent):
    """A protected component without resources, which depends on all `resources`.

    Pulumi deletes a dependent first, and `protect` stops only the deletion of the resource that it
    marks. So `pulumi destroy` stops at the guard, while an update can still replace `resources`.
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
        super().__init__(name, opts)
