"""Buckets, declared in `function.buckets`."""

from typing import Annotated, NamedTuple

from function.declare.checks import Name, between
from function.declare.endpoint import Origins


class Bucket(NamedTuple):
    """A private, encrypted S3 bucket, which refuses requests without TLS.

    S3 deletes each object `expires_after_days` after its creation (0: never). A `versioned` bucket
    keeps replaced and deleted objects, so many days if objects expire. `cors` lists the origins
    (`https://example.com`, or `*` alone) whose pages may upload and download.
    """

    name: Name
    expires_after_days: Annotated[int, between(0, 36_500)] = 0
    versioned: bool = False
    cors: Origins = ()

    @property
    def env_var(self) -> str:
        """The environment variable that holds the bucket's name on AWS."""
        return f"BUCKET_{self.name.upper().replace('-', '_')}_NAME"
