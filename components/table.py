"""EpochTable: a DynamoDB table."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from components.component import EpochComponent
from components.errors import ConfigError
from components.metrics import Source
from function.declare.table import TTL_ATTRIBUTE, Index, Table


def _index(index: Index, units: Mapping[str, int]) -> Any:
    projection = "INCLUDE" if index.attributes else "KEYS_ONLY"
    return {
        "name": index.name,
        "key_schemas": [
            {"attribute_name": key, "key_type": kind}
            for key, kind in zip(index.keys, ("HASH", "RANGE"))
        ],
        "projection_type": "ALL" if index.attributes is None else projection,
        "non_key_attributes": list(index.attributes or ()) or None,
        "on_demand_throughput": units or None,
    }


def _by_name(inputs: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the keys and attributes of the indexes in a table's inputs, by index name."""
    indexes = (inputs or {}).get("globalSecondaryIndexes") or ()
    return {
        index["name"]: (
            [(key["attributeName"], key["keyType"]) for key in index.get("keySchemas") or ()],
            index["projectionType"],
            sorted(index.get("nonKeyAttributes") or ()),
        )
        for index in indexes
    }


def refuse_changed_index(args: pulumi.ResourceHookArgs) -> None:
    """Raise ConfigError for an index that an update would delete and rebuild."""
    before, after = _by_name(args.old_inputs), _by_name(args.new_inputs)
    for name in sorted(before.keys() & after.keys()):
        if before[name] != after[name]:
            raise ConfigError(
                f"function/tables.py: index {name} of {args.name} changes, so DynamoDB would "
                "delete and rebuild it, and queries would fail until then. Add an index with "
                "another name and deploy; then query that one and remove this one"
            )


class EpochTable(EpochComponent):
    """An on-demand, encrypted DynamoDB table with the keys and indexes of `table`.

    `protect` adds point-in-time recovery, deletion protection in DynamoDB and `protect` in Pulumi,
    in every region; an update that changes an index fails, as does its preview.
    `recovery_period_days` (1 to 35) is the time to which you can restore. `max_read_units` and
    `max_write_units` limit the request units per second of the table and of each index; 0 is no
    limit. `replica_regions` make it a global table. Only a table with a `ttl_setting` has
    DynamoDB's time to live, on the attribute `expires`.
    """

    def __init__(
        self,
        name: str,
        *,
        table: Table,
        protect: bool = False,
        recovery_period_days: int = 35,
        max_read_units: int = 0,
        max_write_units: int = 0,
        replica_regions: Sequence[str] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        limits = {"read": max_read_units, "write": max_write_units}
        units: Any = {f"max_{kind}_request_units": most for kind, most in limits.items() if most}
        hooks = None
        if protect:
            checked = pulumi.ResourceHookOptions(on_dry_run=True)
            hook = pulumi.ResourceHook(f"{name}-indexes", refuse_changed_index, checked)
            hooks = pulumi.ResourceHookBinding(before_update=[hook])
        self.table = aws.dynamodb.Table(
            name,
            billing_mode="PAY_PER_REQUEST",
            hash_key=table.partition_key,
            range_key=str(table.sort_key) or None,
            attributes=[{"name": key, "type": kind} for key, kind in table.key_types.items()],
            global_secondary_indexes=[_index(index, units) for index in table.indexes] or None,
            # DynamoDB's own key still encrypts it; see `apply_kms_key`.
            server_side_encryption={"enabled": False},
            on_demand_throughput=units or None,
            point_in_time_recovery=(
                {"enabled": True, "recovery_period_in_days": recovery_period_days}
                if protect
                else {"enabled": False}
            ),
            deletion_protection_enabled=protect,
            # Another table may hold an attribute of this name that is no expiry.
            ttl=({"attribute_name": TTL_ATTRIBUTE, "enabled": True} if table.ttl_setting else None),
            # A stream without readers costs nothing. A global table needs it, and turning it off
            # would block the removal of the last replica.
            stream_enabled=True,
            stream_view_type="NEW_AND_OLD_IMAGES",
            # AWS also lists the replicas as a property of the table.
            opts=self.child(protect=protect, ignore_changes=["replicas"], hooks=hooks),
        )
        # Separate resources, since the provider applies only the first of two changes to replicas
        # within a table. In sequence, since DynamoDB accepts one change at a time.
        created: list[pulumi.Resource] = []
        for region in replica_regions:
            replica = aws.dynamodb.TableReplica(
                f"{name}-{region}",
                global_table_arn=self.table.arn,
                region=region,
                point_in_time_recovery=protect,
                deletion_protection_enabled=protect,
                opts=self.child(protect=protect, depends_on=created[-1:]),
            )
            created.append(replica)
        self.declared = table
        self.name = self.table.name
        self.arn = self.table.arn
        self.metrics = Source("AWS/DynamoDB", {"TableName": self.name})
        self.stream_arn = self.table.stream_arn
