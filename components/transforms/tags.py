"""Default tags.

The provider's `default_tags` would need an explicit provider on every component, and the local
run, the snapshot and the scan would not see the tags.
"""

from collections.abc import Mapping

from components.transforms import transform_resources


def apply_default_tags(tags: Mapping[str, str]) -> None:
    """Set these tags on every resource declared from now on that takes tags."""
    transform_resources(
        lambda _kind, _name, props: props | ({"tags": dict(tags)} if "tags" in props else {})
    )
