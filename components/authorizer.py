"""EpochAuthorizer: the Lambda function that verifies the callers of an API."""

from collections.abc import Mapping
from typing import Unpack

import pulumi

from components.lambda_function import FunctionSettings, LambdaFunction
from function.declare.auth import Auth, CustomAuth, Jwt, in_stack
from function.declare.authorizer import AUTHORIZER_TIMEOUT_S, Authorizer


class EpochAuthorizer(LambdaFunction):
    """The function of all authorizers, with exactly the permissions that they declare.

    `auths` are the kinds of authentication that it verifies, by name; `authorizers` are the custom
    ones. It runs outside of `vpc_subnets`, since it asks issuers in the internet.
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
        settings["vpc_subnets"] = ()
        self.permissions = [
            permission
            for auth in auths.values()
            if isinstance(auth, CustomAuth)
            for permission in authorizers[auth.name].permissions
        ]
        self._create(
            name,
            settings,
            permissions=self.permissions,
            timeout_s=AUTHORIZER_TIMEOUT_S,
            default_handler="function.runtime.authorizer.handler.handler",
            variables={
                auth.issuer_env_var: in_stack(auth, stack_settings).issuer
                for auth in auths.values()
                if isinstance(auth, Jwt)
            },
        )
