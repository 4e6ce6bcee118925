"""EpochSecret: a secret in AWS Secrets Manager."""

import pulumi
import pulumi_aws as aws

from function.declare.setting import Setting


class EpochSecret(pulumi.ComponentResource):
    """A secret with a first version that holds `value`.

    Another `value` creates another version. A version that a person or a rotation adds stays
    current: no deployment and no refresh reverts it. You can restore a deleted secret for 30 days.
    """

    def __init__(
        self,
        name: str,
        *,
        setting: Setting[str],
        value: pulumi.Input[str],
        protect: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("epoch:components:EpochSecret", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        secret = aws.secretsmanager.Secret(
            name,
            description=setting.description,
            opts=pulumi.ResourceOptions(parent=self, protect=protect),
        )
        version = aws.secretsmanager.SecretVersion(
            name,
            secret_id=secret.id,
            secret_string=pulumi.Output.secret(value),
            opts=child,
        )
        self.declared = setting
        # Of the version, so that a function waits until the secret has a value.
        self.arn = version.secret_arn
        self.register_outputs({"arn": self.arn})
