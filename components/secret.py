"""EpochSecret: a secret in AWS Secrets Manager."""

import pulumi
import pulumi_aws as aws

from components.component import EpochComponent
from function.declare.setting import Setting


class EpochSecret(EpochComponent):
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
        super().__init__(name, opts)
        secret = aws.secretsmanager.Secret(
            name, description=setting.description, opts=self.child(protect=protect)
        )
        version = aws.secretsmanager.SecretVersion(
            name, secret_id=secret.id, secret_string=pulumi.Output.secret(value), opts=self.child()
        )
        self.declared = setting
        # Of the version, so that a function waits until the secret has a value.
        self.arn = version.secret_arn
