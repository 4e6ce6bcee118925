"""DynamoDB, KMS and Secrets Manager."""

from functools import partial
from typing import Any

from local.calls import Calls
from local.provisioner import Context, Provisioned, provisions, take
from local.pulumi_program import Properties


def _table(_: Context, declared: Properties) -> None:
    keys = take(declared, hashKey="HASH", rangeKey="RANGE")
    declared["keySchema"] = [{"attributeName": keys[kind], "keyType": kind} for kind in keys]
    declared["attributeDefinitions"] = [
        {"attributeName": each["name"], "attributeType": each["type"]}
        for each in declared.pop("attributes")
    ]
    recovery = declared["pointInTimeRecovery"]
    recovery["pointInTimeRecoveryEnabled"] = recovery.pop("enabled")
    for index in declared.get("globalSecondaryIndexes", ()):
        index["projection"] = {
            name: index.pop(name)
            for name in ("projectionType", "nonKeyAttributes")
            if name in index
        }
        index |= take(index, name="indexName", keySchemas="keySchema")


def _unprotect(client: Any, table: Properties) -> None:
    """Remove a table's deletion protection: the emulator ends with the run."""
    client.update_table(TableName=table["name"], DeletionProtectionEnabled=False)


CALLS = {
    "aws:dynamodb/table:Table": Calls(
        "create_table",
        after=("update_continuous_backups", "update_time_to_live"),
        adapt=_table,
        empty=_unprotect,
        named="TableName",
        renamed={
            "kmsKeyArn": "KMSMasterKeyId",
            "serverSideEncryption": "SSESpecification",
            "pointInTimeRecovery": "PointInTimeRecoverySpecification",
            "ttl": "TimeToLiveSpecification",
        },
        arn="{TableArn}",
        outputs={"streamArn": "{LatestStreamArn}"},
    ),
    "aws:kms/key:Key": Calls(
        "create_key",
        delete="schedule_key_deletion",
        id="{KeyId}",
        arn="{Arn}",
        outputs={"keyId": "{KeyId}"},
    ),
    "aws:secretsmanager/secret:Secret": Calls(
        "create_secret",
        named="Name",
        id="{ARN}",
        arn="{ARN}",
        deletion={"ForceDeleteWithoutRecovery": True},
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": Calls(
        "put_secret_value",
        delete=None,
        outputs={"secretArn": "{SecretId}", "versionId": "{VersionId}"},
    ),
}


@provisions("aws:dynamodb/tableReplica:TableReplica")
def _table_replica(context: Context, declared: Properties) -> Provisioned:
    table = declared.pop("globalTableArn").rsplit("/", 1)[1]
    where = {"RegionName": declared.pop("region")}

    def update(action: str) -> None:
        context.client.update_table(TableName=table, ReplicaUpdates=[{action: where}])

    update("Create")
    return Provisioned(delete=partial(update, "Delete"))
