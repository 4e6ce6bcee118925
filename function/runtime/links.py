"""Gives the values of the resources of infrastructure.py."""

from function.declare.permission import Link
from function.runtime import aws_client


def value(link: Link) -> str:
    """Return the value of a resource, such as its ARN, as infrastructure.py gives it.

    Raises LookupError if no permission of the function names the link.
    """
    return aws_client.resource(link)
