"""DynamoDB, KMS and Secrets Manager."""

from functools import partial
from typing import Any

from local.calls import Calls, arguments
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
            "streamEnabled": "StreamSpecification.StreamEnabled",
            "streamViewType": "StreamSpecification.StreamViewType",
            "pointInTimeRecovery": "PointInTimeRecoverySpecification",
            "ttl": "TimeToLiveSpecification",
        },
        arn="{TableArn}",
        outputs={"streamArn": "{LatestStreamArn}"},
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
        id="{SecretId}|{VersionId}",
        outputs={"secretArn": "{SecretId}", "versionId": "{VersionId}"},
    ),
}


@provisions("aws:dynamodb/tableReplica:TableReplica")
def _table_replica(context: Context, declared: Properties) -> Provisioned:
    table = declared.pop("globalTableArn").rsplit("/", 1)[1]
    where = {"RegionName": declared.pop("region")}
    # These are settings of another region, which the emulator keeps apart.
    for setting in ("pointInTimeRecovery", "deletionProtectionEnabled", "tags"):
        declared.pop(setting, None)

    def update(action: str) -> None:
        context.client.update_table(TableName=table, ReplicaUpdates=[{action: where}])

    update("Create")
    return Provisioned(id=f"{table}:{context.region}", delete=partial(update, "Delete"))


@provisions("aws:kms/key:Key")
def _key(context: Context, declared: Properties) -> Provisioned:
    client = context.client
    rotated, days = declared.pop("enableKeyRotation"), declared.pop("deletionWindowInDays")
    made = client.create_key(**arguments(client, "create_key", declared))["KeyMetadata"]
    key = {"KeyId": made["KeyId"]}
    if rotated:
        client.enable_key_rotation(**key)
    return Provisioned(
        id=made["KeyId"],
        outputs={"keyId": made["KeyId"], "arn": made["Arn"]},
        delete=partial(client.schedule_key_deletion, **key, PendingWindowInDays=days),
    )
