"""Buckets, declared in `function.buckets`."""

from collections.abc import Iterator
from typing import NamedTuple

from function.declare.checks import name_errors, range_errors, type_errors

_MAX_EXPIRY_DAYS = 36_500


class Bucket(NamedTuple):
    """A private, encrypted S3 bucket, which refuses requests without TLS.

    S3 deletes each object `expires_after_days` after its creation (up to 36,500; 0: never).
    """

    name: str
    expires_after_days: int = 0

    @property
    def env_var(self) -> str:
        """The environment variable that holds the bucket's name on AWS."""
        return f"BUCKET_{self.name.upper().replace('-', '_')}_NAME"

    def errors(self) -> Iterator[str]:
        """Yield the reasons for which S3 would refuse it."""
        yield from type_errors(self, name=str, expires_after_days=int)
        yield from name_errors(self.name)
        yield from range_errors("expires_after_days", self.expires_after_days, 0, _MAX_EXPIRY_DAYS)
