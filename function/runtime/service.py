"""Calls AWS services other than the stack's own tables, queues and buckets."""

from typing import Any

from function.declare.permission import Link, ServicePermission
from function.runtime import aws_client


def call(service: ServicePermission | Link, operation: str, **request: Any) -> dict[str, Any]:
    """Call an operation of the boto3 client of a service or a link, and return its response.

    Raises:
    - Problem with 503 if the service throttles the call or does not answer.
    - botocore's UnknownServiceError for a service that no permission names: it is not in the
      bundle.
    - botocore's ClientError for any other error.
    """
    name = service.service if isinstance(service, Link) else service.name
    return aws_client.send(name, operation, {}, request, read_timeout_s=service.timeout_s)
