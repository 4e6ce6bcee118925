"""EpochComponent: the base of every component."""

from typing import Any

import pulumi


class EpochComponent(pulumi.ComponentResource):
    """A component of Pulumi's type `epoch:components:<class>`.

    Its results are attributes. It registers no outputs, since Pulumi saves the state when they are
    known, which is late for those that wait for other resources.
    """

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None) -> None:
        super().__init__(f"epoch:components:{type(self).__name__}", name, None, opts)
        self.register_outputs({})

    def child(self, **options: Any) -> pulumi.ResourceOptions:
        """Return the options of a resource of this component, by those of ResourceOptions."""
        return pulumi.ResourceOptions(parent=self, **options)
