"""EpochSecret: a secret setting, where the function reads it."""

import pulumi
import pulumi_aws as aws

from function.declare.setting import Setting


class EpochSecret(pulumi.ComponentResource):
    """A secret in AWS Secrets Manager, with the value that the stack's config gives it.

    A new value in the config is a new version. So is one that is put there by hand or by a
    rotation: as versions stay as they are, no deployment and no refresh turns it back. Deleted, it
    can be restored for 30 days.
    """

    declared: Setting[str]
    arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        setting: Setting[str],
        value: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("epoch:components:EpochSecret", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        secret = aws.secretsmanager.Secret(name, description=setting.description, opts=child)
        # The function finds it with its value.
        version = aws.secretsmanager.SecretVersion(
            name,
            secret_id=secret.id,
            secret_string=pulumi.Output.secret(value),
            opts=child,
        )
        self.declared = setting
        self.arn = version.secret_arn
        self.register_outputs({"arn": self.arn})
