"""Your own changes to the underlying AWS resources, beyond the keys of Pulumi.<stack>.yaml."""

from typing import Any


def customize(kind: str, name: str, properties: dict[str, Any]) -> None:
    """Change the properties of a resource in place, before Pulumi registers it.

    `kind` is Pulumi's type token, for example `aws:lambda/function:Function`. `name` is the
    logical name, for example `epoch-dev-function`. `properties` has the names of pulumi_aws's
    Python arguments, for example `memory_size`; a value may be a `pulumi.Output`. See
    docs/using-components.md.
    """
