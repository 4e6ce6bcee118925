"""AWS services beside the stack's own tables: what may be called, and how.

A service that a declaration names in its `access` is permitted to it and comes with the bundle.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from function.contract import DeclarationError


class Service(NamedTuple):
    """The permission to call an AWS service on resources that are not the stack's own.

    `name` is that of boto3's client; `resource` an ARN with wildcards and `{setting}`s of
    `function.settings`; `actions` are IAM's, without a wildcard.
    """

    name: str
    resource: str
    actions: tuple[str, ...]

    def problems(self) -> Iterator[str]:
        """Return why IAM could not take it."""
        if not (self.resource == "*" or self.resource.startswith(("arn:", "{"))):
            yield f"resource {self.resource!r} of {self.name} is neither an ARN nor '*'"
        for action in self.actions:
            if "*" in action or action.count(":") != 1:
                yield f"{action!r} is not an action such as s3:PutObject"


def call(service: Service, operation: str, **request: Any) -> dict[str, Any]:
    """Call an operation of a service's boto3 client and return its response.

    Raises Problem with 503 where the service is throttled or does not answer; any other refusal
    stays botocore's ClientError. Raises DeclarationError where no access declares the service.
    """
    from botocore.exceptions import (  # pylint: disable=import-outside-toplevel
        ClientError,
        UnknownServiceError,
    )

    from function import storage  # pylint: disable=import-outside-toplevel

    needed = f"{service.name} {operation}: add Service({service.name!r}, …) to the access=(…)"
    try:
        return storage.send(service.name, operation, {}, request)
    except UnknownServiceError as error:
        raise DeclarationError(f"{needed} of what calls it") from error
    except ClientError as error:
        if error.response["Error"]["Code"].startswith("AccessDenied"):
            error.add_note(f"{needed} of what calls it, with this action and resource")
        raise
