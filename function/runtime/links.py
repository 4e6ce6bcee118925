"""Gives the values of the resources of infrastructure.py."""

import os

from function.declare.permission import Link


def value(link: Link) -> str:
    """Return the value of a resource, such as its ARN, as infrastructure.py gives it.

    Raises KeyError if the endpoint or job does not name the link in its permissions.
    """
    return os.environ[link.env_var]
