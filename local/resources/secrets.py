"""AWS Secrets Manager."""

from local.calls import Calls

CALLS = {
    "aws:secretsmanager/secret:Secret": Calls(
        create="create_secret",
        delete="delete_secret",
        named="Name",
        id="{ARN}",
        outputs={"name": "{Name}", "arn": "{ARN}"},
        deletion={"SecretId": "{ARN}", "ForceDeleteWithoutRecovery": True},
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": Calls(
        create="put_secret_value",
        id="{SecretId}|{VersionId}",
        outputs={"secretArn": "{SecretId}", "versionId": "{VersionId}"},
    ),
}
