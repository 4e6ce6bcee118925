"""EpochAuthorizer: the Lambda function that API Gateway asks for the caller of a request."""

from collections.abc import Mapping
from typing import Unpack

import pulumi
import pulumi_aws as aws

from components.errors import ConfigError
from components.lambda_function import FunctionSettings, LambdaFunction
from function.declare.auth import Auth, CustomAuth, Jwt, stack_text, text_errors
from function.declare.authorizer import AUTHORIZER_TIMEOUT_S, Authorizer
from function.declare.permission import Permission


class EpochAuthorizer(pulumi.ComponentResource):
    """The function of all authorizers, with exactly the permissions that they declare.

    `auths` are the kinds of authentication that it verifies, by name; `authorizers` are the custom
    ones. `version` is the published version, as `name:number`. Raises ConfigError for an issuer
    without a valid URL.
    """

    alias: aws.lambda_.Alias
    log_group: aws.cloudwatch.LogGroup
    name: pulumi.Output[str]
    version: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        auths: Mapping[str, Auth],
        authorizers: Mapping[str, Authorizer],
        opts: pulumi.ResourceOptions | None = None,
        **settings: Unpack[FunctionSettings],
    ) -> None:
        super().__init__("epoch:components:EpochAuthorizer", name, None, opts)
        stack_settings = settings["bindings"].settings
        environment = dict(settings.get("environment", {}))
        permissions: list[Permission] = []
        for auth in auths.values():
            for error in text_errors(auth, stack_settings):
                raise ConfigError(f"authentication {auth.name}: {error}")
            if isinstance(auth, Jwt):
                environment[auth.issuer_env_var] = stack_text(auth.issuer, stack_settings)
            if isinstance(auth, CustomAuth):
                permissions += authorizers[auth.name].permissions
        settings["environment"] = environment
        parts = LambdaFunction(
            name,
            parent=self,
            permissions=permissions,
            timeout_s=AUTHORIZER_TIMEOUT_S,
            settings=settings,
            default_handler="function.runtime.authorizer.handler.handler",
        )
        self.log_group, self.alias, self.name = parts.log_group, parts.alias, parts.name
        self.version = parts.version
        self.register_outputs({"name": self.name, "alias_arn": self.alias.arn})
