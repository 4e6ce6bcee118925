"""DynamoDB and KMS."""

from functools import partial

from local.calls import arguments
from local.provisioner import Context, Provisioned, provisions, take
from local.pulumi_program import Properties

_RENAMED = {
    "kmsKeyArn": "KMSMasterKeyId",
    "serverSideEncryption": "SSESpecification",
    "streamEnabled": "StreamSpecification.StreamEnabled",
    "streamViewType": "StreamSpecification.StreamViewType",
}
_RECOVERY = {
    "enabled": "PointInTimeRecoveryEnabled",
    "pointInTimeRecovery": "PointInTimeRecoverySpecification",
}


def _index(declared: Properties) -> Properties:
    return {
        "indexName": declared.pop("name"),
        "keySchema": declared.pop("keySchemas"),
        "projection": take(
            declared, projectionType="ProjectionType", nonKeyAttributes="NonKeyAttributes"
        ),
        **declared,
    }


@provisions("aws:dynamodb/table:Table")
def _table(context: Context, declared: Properties) -> Provisioned:
    client, table = context.client, {"TableName": context.physical_name(declared)}
    keys = take(declared, hashKey="HASH", rangeKey="RANGE")
    declared["keySchema"] = [{"attributeName": keys[kind], "keyType": kind} for kind in keys]
    declared["attributeDefinitions"] = [
        {"attributeName": each["name"], "attributeType": each["type"]}
        for each in declared.pop("attributes")
    ]
    if indexes := declared.pop("globalSecondaryIndexes", []):
        declared["globalSecondaryIndexes"] = [_index(index) for index in indexes]
    settings = arguments(client, "create_table", declared, _RENAMED)
    made = client.create_table(**table, **settings)["TableDescription"]
    client.get_waiter("table_exists").wait(**table, WaiterConfig={"Delay": 1})
    recovery = arguments(client, "update_continuous_backups", declared, _RECOVERY)
    client.update_continuous_backups(**table, **recovery)
    renamed = {"ttl": "TimeToLiveSpecification"}
    if expiry := arguments(client, "update_time_to_live", declared, renamed):
        client.update_time_to_live(**table, **expiry)

    def delete() -> None:
        # The emulator ends with the run: its data needs no protection.
        client.update_table(**table, DeletionProtectionEnabled=False)
        client.delete_table(**table)

    name, stream = table["TableName"], made.get("LatestStreamArn")
    outputs = {"name": name, "arn": made["TableArn"], "streamArn": stream}
    return Provisioned(id=name, outputs=outputs, delete=delete)


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
