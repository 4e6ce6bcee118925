"""EpochTable: the DynamoDB table."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from function.declare.table import TTL_ATTRIBUTE, Index, Table


def _index(index: Index) -> aws.dynamodb.TableGlobalSecondaryIndexArgs:
    projection = "INCLUDE" if index.attributes else "KEYS_ONLY"
    return aws.dynamodb.TableGlobalSecondaryIndexArgs(
        name=index.name,
        key_schemas=[
            aws.dynamodb.TableGlobalSecondaryIndexKeySchemaArgs(attribute_name=key, key_type=kind)
            for key, kind in zip(index.keys, ("HASH", "RANGE"))
        ],
        projection_type="ALL" if index.attributes is None else projection,
        non_key_attributes=list(index.attributes or ()) or None,
    )


class EpochTable(pulumi.ComponentResource):
    """An on-demand, encrypted DynamoDB table, as `function.tables` declares it.

    `protect` adds what data in production needs, in every region: point-in-time recovery,
    deletion protection in DynamoDB and `protect` in Pulumi. `replica_regions` make it a global
    table, which DynamoDB keeps in step through a stream.
    """

    declared: Table
    name: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        table: Table,
        protect: bool,
        replica_regions: Sequence[str] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("epoch:components:EpochTable", name, None, opts)
        self.table = aws.dynamodb.Table(
            name,
            billing_mode="PAY_PER_REQUEST",
            hash_key=table.partition_key,
            range_key=str(table.sort_key) or None,
            attributes=[
                aws.dynamodb.TableAttributeArgs(name=key, type=kind)
                for key, kind in table.key_types.items()
            ],
            global_secondary_indexes=[_index(index) for index in table.indexes] or None,
            # By AWS's own key, as every table; see `apply_kms_key`.
            server_side_encryption={"enabled": False},
            point_in_time_recovery={"enabled": protect},
            deletion_protection_enabled=protect,
            # An item without the attribute never expires.
            ttl={"attribute_name": TTL_ATTRIBUTE, "enabled": True},
            # Unread, a stream costs nothing; switched on and off with the replicas, it would stop
            # the last one from being removed.
            stream_enabled=True,
            stream_view_type="NEW_AND_OLD_IMAGES",
            # AWS names a table's replicas in the table, too.
            opts=pulumi.ResourceOptions(parent=self, protect=protect, ignore_changes=["replicas"]),
        )
        # Each a resource of its own: within the table the provider stops after the first of two
        # settings that change. One after the other, as DynamoDB takes them.
        made: list[pulumi.Resource] = []
        for region in replica_regions:
            replica = aws.dynamodb.TableReplica(
                f"{name}-{region}",
                global_table_arn=self.table.arn,
                region=region,
                point_in_time_recovery=protect,
                deletion_protection_enabled=protect,
                opts=pulumi.ResourceOptions(parent=self, protect=protect, depends_on=made[-1:]),
            )
            made.append(replica)
        self.declared = table
        self.name = self.table.name
        self.arn = self.table.arn
        self.stream_arn = self.table.stream_arn
        self.register_outputs({"name": self.name, "arn": self.arn})
