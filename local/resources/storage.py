"""DynamoDB and KMS."""

from functools import partial

from local.pulumi_program import Properties
from local.provisioner import (
    Context,
    Provisioned,
    provisions,
    tag_list,
    take,
    take_pascal,
    to_pascal_case,
)


def _index(declared: Properties) -> Properties:
    return {
        "IndexName": declared["name"],
        "KeySchema": to_pascal_case(declared["keySchemas"]),
        "Projection": take(
            declared, projectionType="ProjectionType", nonKeyAttributes="NonKeyAttributes"
        ),
        **take_pascal(declared, "onDemandThroughput"),
    }


@provisions("aws:dynamodb/table:Table")
def _table(context: Context, declared: Properties) -> Provisioned:
    name = context.physical_name(declared)
    stream = take(declared, streamEnabled="StreamEnabled", streamViewType="StreamViewType")
    keys = take(declared, hashKey="HASH", rangeKey="RANGE")
    indexes = [_index(index) for index in declared.pop("globalSecondaryIndexes", [])]
    made = context.client.create_table(
        TableName=name,
        BillingMode=declared.pop("billingMode"),
        KeySchema=[{"AttributeName": key, "KeyType": kind} for kind, key in keys.items()],
        AttributeDefinitions=[
            {"AttributeName": a["name"], "AttributeType": a["type"]}
            for a in declared.pop("attributes")
        ],
        SSESpecification=take(
            declared["serverSideEncryption"], enabled="Enabled", kmsKeyArn="KMSMasterKeyId"
        ),
        DeletionProtectionEnabled=declared.pop("deletionProtectionEnabled"),
        Tags=tag_list(declared),
        **({"StreamSpecification": stream} if stream else {}),
        **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
        **take_pascal(declared, "onDemandThroughput"),
    )["TableDescription"]
    context.client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    context.client.update_continuous_backups(
        TableName=name,
        PointInTimeRecoverySpecification=take(
            declared["pointInTimeRecovery"],
            enabled="PointInTimeRecoveryEnabled",
            recoveryPeriodInDays="RecoveryPeriodInDays",
        ),
    )
    if ttl := declared.get("ttl"):
        context.client.update_time_to_live(
            TableName=name,
            TimeToLiveSpecification=take(ttl, enabled="Enabled", attributeName="AttributeName"),
        )

    def delete() -> None:
        # The emulator ends with the run: its data needs no protection.
        context.client.update_table(TableName=name, DeletionProtectionEnabled=False)
        context.client.delete_table(TableName=name)

    outputs = {"name": name, "arn": made["TableArn"], "streamArn": made.get("LatestStreamArn")}
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
    made = context.client.create_key(
        Description=declared.pop("description"),
        Policy=declared.pop("policy"),
        Tags=[{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in tag_list(declared)],
    )["KeyMetadata"]
    if declared.pop("enableKeyRotation"):
        context.client.enable_key_rotation(KeyId=made["KeyId"])
    return Provisioned(
        id=made["KeyId"],
        outputs={"keyId": made["KeyId"], "arn": made["Arn"]},
        delete=partial(
            context.client.schedule_key_deletion,
            KeyId=made["KeyId"],
            PendingWindowInDays=declared.pop("deletionWindowInDays"),
        ),
    )
