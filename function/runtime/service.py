"""Calls AWS services beside the stack's own tables and queues."""

from typing import Any

from function.declare.errors import DeclarationError
from function.declare.permission import ServicePermission
from function.runtime import aws_client


def call(service: ServicePermission, operation: str, **request: Any) -> dict[str, Any]:
    """Call an operation of a service's boto3 client and return its response.

    Raises Problem with 503 where the service is throttled or does not answer; any other refusal
    stays botocore's ClientError. Raises DeclarationError for a service or an action that no
    `permissions` declares.
    """
    from botocore.exceptions import (  # pylint: disable=import-outside-toplevel
        ClientError,
        UnknownServiceError,
    )

    line = f"permissions=(ServicePermission({service.name!r}, {service.resource!r}, …),)"
    try:
        return aws_client.send(service.name, operation, {}, request, read_s=service.timeout_s)
    except UnknownServiceError as error:
        raise DeclarationError(
            f"{service.name} is not in the bundle: declare {line} in what calls it"
        ) from error
    except ClientError as error:
        if error.response["Error"]["Code"].startswith("AccessDenied"):
            raise DeclarationError(
                f"{error}; declare {line} with this action and resource in what calls it"
            ) from error
        raise
