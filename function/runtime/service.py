"""Calls AWS services other than the stack's own tables, queues and buckets."""

from typing import Any

from function.declare.errors import DeclarationError
from function.declare.permission import Link, ServicePermission
from function.runtime import aws_client


def call(service: ServicePermission | Link, operation: str, **request: Any) -> dict[str, Any]:
    """Call an operation of the boto3 client of a service or a link, and return its response.

    Raises:
    - Problem with 503 if the service throttles the call or does not answer.
    - DeclarationError for a service that no permission names.
    - botocore's ClientError for any other error.
    """
    from botocore.exceptions import UnknownServiceError

    name = service.service if isinstance(service, Link) else service.name
    try:
        return aws_client.send(name, operation, {}, request, read_timeout_s=service.timeout_s)
    except UnknownServiceError as error:
        raise DeclarationError(
            f"{name} is not in the bundle; add {service!r} to the permissions of the calling "
            "endpoint or job"
        ) from error
