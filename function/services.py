"""AWS services beside the stack's own tables and queues: what may be called, and how.

A service that a declaration names in its `access` is permitted to it and comes with the bundle.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from function.checks import wrong_types
from function.contract import DeclarationError
from function.resources import declared_settings

_ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z0-9]+")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Service(NamedTuple):
    """The permission to call an AWS service on resources that are not the stack's own.

    `name` is that of boto3's client; `resource` an ARN, in which `{name}` stands for a setting of
    `function.settings` and `*` for anything; `actions` are IAM's. `timeout_s` is how long an
    answer may take, of which two attempts are made.
    """

    name: str
    resource: str
    actions: tuple[str, ...]
    timeout_s: float = 2

    def problems(self) -> Iterator[str]:
        """Return why IAM could not take it."""
        yield from wrong_types(self, name=str, resource=str, actions=[str], timeout_s=(int, float))
        if not self.actions:
            yield f"the access to {self.name} has no actions"
        settings = declared_settings()
        if not (self.resource == "*" or self.resource.startswith(("arn:", "{"))):
            yield f"resource {self.resource!r} of {self.name} is neither an ARN nor '*'"
        for name in sorted(self.settings):
            if name not in settings or settings[name].secret:
                yield f"resource {self.resource!r} names {name}, no setting of function/settings.py"
        for action in self.actions:
            if not _ACTION.fullmatch(action):
                yield f"{action!r} is not an action such as s3:PutObject"

    @property
    def settings(self) -> frozenset[str]:
        """The names of the settings in its resource."""
        return frozenset(_PLACEHOLDER.findall(self.resource))

    def arn(self, environment: Mapping[str, str]) -> str:
        """Return the resource with the settings that a function's environment holds."""
        settings = declared_settings()
        return _PLACEHOLDER.sub(
            lambda found: environment[settings[found[1]].environment], self.resource
        )


def call(service: Service, operation: str, **request: Any) -> dict[str, Any]:
    """Call an operation of a service's boto3 client and return its response.

    Raises Problem with 503 where the service is throttled or does not answer; any other refusal
    stays botocore's ClientError. Raises DeclarationError for a service or an action that no
    `access` declares.
    """
    from botocore.exceptions import (  # pylint: disable=import-outside-toplevel
        ClientError,
        UnknownServiceError,
    )

    from function import storage  # pylint: disable=import-outside-toplevel

    line = f"access=(Service({service.name!r}, {service.resource!r}, …),)"
    try:
        return storage.send(service.name, operation, {}, request, read_s=service.timeout_s)
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
