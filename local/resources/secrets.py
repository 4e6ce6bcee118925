"""AWS Secrets Manager."""

from functools import partial

from local.program import Properties
from local.provisioner import Context, Created, present, tag_list, translates


@translates("aws:secretsmanager/secret:Secret")
def _secret(context: Context, declared: Properties) -> Created:
    client = context.stack.client("secretsmanager")
    name = context.physical_name(declared)
    arn = client.create_secret(
        Name=name,
        Description=declared.pop("description"),
        Tags=tag_list(declared),
        **present(declared, kmsKeyId="KmsKeyId"),
    )["ARN"]
    return Created(
        id=arn,
        outputs={"arn": arn, "name": name},
        delete=partial(client.delete_secret, SecretId=arn, ForceDeleteWithoutRecovery=True),
    )


@translates("aws:secretsmanager/secretVersion:SecretVersion")
def _secret_version(context: Context, declared: Properties) -> Created:
    client = context.stack.client("secretsmanager")
    secret = declared.pop("secretId")
    version = client.put_secret_value(SecretId=secret, SecretString=declared.pop("secretString"))
    return Created(
        id=f"{secret}|{version['VersionId']}",
        outputs={"secretArn": secret, "versionId": version["VersionId"]},
        delete=lambda: None,  # it goes with its secret
    )
