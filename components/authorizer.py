"""EpochAuthorizer: the Lambda function that verifies the callers of an API."""

from collections.abc import Mapping
from typing import Unpack

import pulumi

from components.lambda_function import FunctionSettings, LambdaFunction
from function.declare.auth import Auth, CustomAuth, Jwt, in_stack
from function.declare.authorizer import AUTHORIZER_TIMEOUT_S, Authorizer
from function.declare.permission import Permission


class EpochAuthorizer(LambdaFunction):
    """The function of all authorizers, with exactly the permissions that they declare.

    `auths` are the kinds of authentication that it verifies, by name; `authorizers` are the custom
    ones.
    """

    def __init__(
        self,
        name: str,
        *,
        auths: Mapping[str, Auth],
        authorizers: Mapping[str, Authorizer],
        opts: pulumi.ResourceOptions | None = None,
        **settings: Unpack[FunctionSettings],
    ) -> None:
        super().__init__(name, opts)
        stack_settings = settings["bindings"].settings
        environment = dict(settings.get("environment", {}))
        permissions: list[Permission] = []
        for auth in auths.values():
            if isinstance(auth, Jwt):
                environment[auth.issuer_env_var] = in_stack(auth, stack_settings).issuer
            if isinstance(auth, CustomAuth):
                permissions += authorizers[auth.name].permissions
        settings["environment"] = environment
        self.permissions = permissions
        self._create(
            name,
            settings,
            permissions=permissions,
            timeout_s=AUTHORIZER_TIMEOUT_S,
            default_handler="function.runtime.authorizer.handler.handler",
        )
        self.register_outputs({"name": self.name, "alias_arn": self.alias.arn})
