"""Gives the values of the resources of infrastructure.py."""

from function.declare.permission import Link
from function.runtime import aws_client


def value(link: Link) -> str:
    """Return the value of a resource, such as its ARN, as infrastructure.py gives it.

    Raises LookupError if the endpoint or job does not name the link in its permissions.
    """
    return aws_client.resource(link)
