"""Gives the values of the resources of infrastructure.py."""

import os

from function.declare.permission import Link


def value(link: Link) -> str:
    """Return the value of a resource, such as its ARN, as infrastructure.py gives it.

    Raises LookupError if the endpoint or job does not name the link in its permissions.
    """
    if link.env_var not in os.environ:
        raise LookupError(
            f"the function may not use link {link.name!r}; add it to the permissions of the "
            "endpoint or job"
        )
    return os.environ[link.env_var]
