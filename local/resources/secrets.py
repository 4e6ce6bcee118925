"""AWS Secrets Manager."""

from functools import partial

from local.pulumi_program import Properties
from local.provisioner import Context, Provisioned, take, tag_list, provisions


@provisions("aws:secretsmanager/secret:Secret")
def _secret(context: Context, declared: Properties) -> Provisioned:
    name = context.physical_name(declared)
    arn = context.client.create_secret(
        Name=name,
        Description=declared.pop("description"),
        Tags=tag_list(declared),
        **take(declared, kmsKeyId="KmsKeyId"),
    )["ARN"]
    return Provisioned(
        id=arn,
        outputs={"arn": arn, "name": name},
        delete=partial(context.client.delete_secret, SecretId=arn, ForceDeleteWithoutRecovery=True),
    )


@provisions("aws:secretsmanager/secretVersion:SecretVersion")
def _secret_version(context: Context, declared: Properties) -> Provisioned:
    secret = declared.pop("secretId")
    version = context.client.put_secret_value(
        SecretId=secret, SecretString=declared.pop("secretString")
    )
    return Provisioned(
        id=f"{secret}|{version['VersionId']}",
        outputs={"secretArn": secret, "versionId": version["VersionId"]},
    )  # deleted with its secret
