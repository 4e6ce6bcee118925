"""The tables of a stack, and the protection of everything that holds data."""

import json
from typing import Any

import pulumi
import pytest

import function.declare.registry
import function.tables
from components import ConfigError, resource_prefix
from components.table import refuse_changed_index
from function.declare.permission import TablePermission
from function.declare.setting import Setting
from function.declare.table import Binary, Index, Number, Table
from local import pulumi_program, stack_files
from tests.conftest import NAME, STACK, declare, one, plain
from tests.fixtures import notes

TABLE = "aws:dynamodb/table:Table"
DAYS = Setting("days", int, description="Days.", default=1)


def test_only_a_table_that_declares_expiry_has_time_to_live(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tables = {
        "coupons": Table(name="coupons", partition_key="code"),
        "sessions": Table(name="sessions", partition_key="id", ttl_setting=DAYS),
    }
    own = function.declare.registry.load_tables()
    monkeypatch.setattr(function.declare.registry, "load_tables", lambda: {**own, **tables})
    resources = pulumi_program.declared_resources(STACK, config=plain())
    assert "ttl" not in one(resources, TABLE, f"{NAME}-coupons")
    ttl = one(resources, TABLE, f"{NAME}-sessions")["ttl"]
    assert ttl == {"attributeName": "expires", "enabled": True}


def test_without_expiry_the_name_of_its_attribute_is_free() -> None:
    assert not list(Table(name="coupons", partition_key="expires").errors())
    assert list(Table(name="coupons", partition_key="expires", ttl_setting=DAYS).errors())


@pytest.mark.usefixtures("jobs")
@pytest.mark.parametrize("protect", (True, False))
def test_protect_data_covers_every_resource_that_holds_data(
    monkeypatch: pytest.MonkeyPatch, protect: bool
) -> None:
    secret = Setting("token", str, description="A token.", secret=True)
    settings = {**function.declare.registry.load_settings(), "token": secret}
    monkeypatch.setattr(function.declare.registry, "load_settings", lambda: settings)
    config = plain(protect_data=str(protect).lower(), token=stack_files.Secret("hush"))
    resources = pulumi_program.declared_resources(STACK, config=config)
    holding = {
        *(TABLE, "aws:sqs/queue:Queue", "aws:s3/bucket:Bucket"),
        "aws:secretsmanager/secret:Secret",
    }
    found = {(r.kind, r.protect) for r in resources if r.kind in holding}
    assert found == {(kind, protect) for kind in holding}


def test_an_unprotected_stack_is_the_default() -> None:
    assert not [r.name for r in declare() if r.protect]


def _hooked(**index: Any) -> dict[str, Any]:
    """Return a table's inputs with one index, as Pulumi's engine passes them to a hook."""
    keys = [{"attributeName": "day", "keyType": "HASH", "__defaults": []}]
    given = {"name": "by-day", "keySchemas": keys, "projectionType": "ALL", **index}
    return {"globalSecondaryIndexes": [given], "__defaults": []}


@pytest.mark.parametrize(
    "change",
    (
        {"keySchemas": [{"attributeName": "hour", "keyType": "HASH"}]},
        {"projectionType": "KEYS_ONLY"},
        {"projectionType": "INCLUDE", "nonKeyAttributes": ["a"]},
    ),
)
def test_a_changed_index_of_a_protected_table_is_refused(change: dict[str, Any]) -> None:
    args = pulumi.ResourceHookArgs(
        urn="", id="", name="notes", type=TABLE, old_inputs=_hooked(), new_inputs=_hooked(**change)
    )
    with pytest.raises(ConfigError, match="index by-day of notes changes"):
        refuse_changed_index(args)


@pytest.mark.parametrize("after", (_hooked(), _hooked(name="by-hour"), {}))
def test_an_index_may_stay_be_replaced_or_removed(after: dict[str, Any]) -> None:
    refuse_changed_index(
        pulumi.ResourceHookArgs(
            urn="", id="", name="notes", type=TABLE, old_inputs=_hooked(), new_inputs=after
        )
    )


@pytest.mark.parametrize("protect", (True, False))
def test_only_a_protected_table_has_the_check(
    monkeypatch: pytest.MonkeyPatch, protect: bool
) -> None:
    bound: list[pulumi.ResourceHook] = []
    binding = pulumi.ResourceHookBinding

    def record(*, before_update: list[pulumi.ResourceHook]) -> pulumi.ResourceHookBinding:
        bound.extend(before_update)
        return binding(before_update=[*before_update])

    monkeypatch.setattr(pulumi, "ResourceHookBinding", record)
    pulumi_program.declared_resources(STACK, config=plain(protect_data=str(protect).lower()))
    tables = function.declare.registry.load_tables()
    assert [hook.name for hook in bound] == [f"{NAME}-{key}-indexes" for key in tables if protect]
    assert all(hook.opts and hook.opts.on_dry_run for hook in bound)


@pytest.mark.conformance
@pytest.mark.parametrize("protected", (True, False))
def test_each_replica_is_a_resource_of_its_own_so_that_one_up_changes_them_all(
    protected: bool,
) -> None:
    resources = declare(
        protect_data=str(protected).lower(),
        replica_regions='["eu-west-1", "us-east-1"]',
    )
    replicas = [r for r in resources if r.kind == "aws:dynamodb/tableReplica:TableReplica"]
    for table in (r for r in resources if r.kind == "aws:dynamodb/table:Table"):
        assert "replicas" not in table.inputs
        first, second = (replica for replica in replicas if table.urn in replica.depends_on)
        for replica, region in ((first, "eu-west-1"), (second, "us-east-1")):
            assert replica.inputs["region"] == region and replica.protect is protected
            assert replica.inputs["pointInTimeRecovery"] is protected
            assert replica.inputs["deletionProtectionEnabled"] is protected
        assert first.urn in second.depends_on  # DynamoDB takes one change of them at a time


def test_keys_indexes_and_access_follow_from_the_declaration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by_topic = Index("by-topic", "topic", Number("at"))
    by_digest = Index("by-digest", Binary("digest"), attributes=("title",))
    declared = Table("jottings", "author", Number("at"), indexes=(by_topic, by_digest))
    monkeypatch.setattr(function.tables, "JOTTINGS", declared, raising=False)
    permissions = (
        TablePermission("jottings", ("dynamodb:PutItem",)),
        TablePermission("jottings", ("dynamodb:Query",), "by-topic"),
    )
    endpoint = notes.ENDPOINT._replace(permissions=permissions)
    monkeypatch.setattr(function.declare.registry, "load_endpoints", lambda: (endpoint,))
    stack = stack_files.stacks()[0]
    name = f"{resource_prefix(stack_files.project_name(), stack)}-jottings"
    resources = pulumi_program.declared_resources(stack)
    (table,) = [r.inputs for r in resources if r.kind == TABLE and r.name.endswith("-jottings")]
    assert (table["hashKey"], table["rangeKey"]) == ("author", "at")
    assert {a["name"]: a["type"] for a in table["attributes"]} == {
        **{"author": "S", "at": "N", "topic": "S", "digest": "B"}
    }
    first, second = table["globalSecondaryIndexes"]
    assert [key["attributeName"] for key in first["keySchemas"]] == ["topic", "at"]
    assert (first["projectionType"], first.get("nonKeyAttributes")) == ("ALL", None)
    assert (second["projectionType"], second["nonKeyAttributes"]) == ("INCLUDE", ["title"])
    (policy,) = (
        json.loads(resource.inputs["policy"])
        for resource in resources
        if resource.kind.endswith(":RolePolicy") and f"{NAME}-function-" in resource.name
    )
    arn = f"arn:aws:dynamodb:eu-central-1:123456789012:{name}"
    assert [(s["Action"], s["Resource"]) for s in policy["Statement"][:2]] == [
        (["dynamodb:PutItem"], arn),
        (["dynamodb:Query"], f"{arn}/index/by-topic"),
    ]
    function_ = one(resources, "aws:lambda/function:Function", "-function")
    assert function_["environment"]["variables"]["TABLE_JOTTINGS_NAME"] == name
