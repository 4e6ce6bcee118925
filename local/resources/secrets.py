"""AWS Secrets Manager."""

from local.calls import Calls

CALLS = {
    "aws:secretsmanager/secret:Secret": Calls(
        "create_secret",
        named="Name",
        id="{ARN}",
        arn="{ARN}",
        deletion={"SecretId": "{ARN}", "ForceDeleteWithoutRecovery": True},
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": Calls(
        "put_secret_value",
        delete=None,
        id="{SecretId}|{VersionId}",
        outputs={"secretArn": "{SecretId}", "versionId": "{VersionId}"},
    ),
}
