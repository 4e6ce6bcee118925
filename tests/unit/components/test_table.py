"""The tables of a stack, and the protection of everything that holds data."""

import pytest

import function.declare.registry
from function.declare.setting import Setting
from function.declare.table import Table
from local import pulumi_program, stack_files
from tests.conftest import NAME, STACK, declare, one, plain

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
