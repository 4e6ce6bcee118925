"""The rules for a table, and its way to DynamoDB, IAM and the function."""

from collections.abc import Callable
from typing import Any

import pytest

import function.endpoints  # noqa: F401
import function.tables
from function.declare.endpoint import Endpoint
from function.declare.errors import DeclarationError
from function.declare.permission import TablePermission
from function.declare.registry import load_tables, validate_endpoints
from function.declare.setting import Setting
from function.declare.table import Binary, Index, Number, Table
from tests.fixtures import notes

JOTTINGS = Table(
    name="jottings",
    partition_key="author",
    sort_key=Number("at"),
    indexes=(
        Index(name="by-topic", partition_key="topic", sort_key=Number("at")),
        Index(name="by-digest", partition_key=Binary("digest"), attributes=("title",)),
    ),
)


@pytest.fixture(name="declare")
def _declare(monkeypatch: pytest.MonkeyPatch) -> Callable[[Table], None]:
    return lambda table: monkeypatch.setattr(function.tables, "JOTTINGS", table, raising=False)


def _endpoint(*permissions: TablePermission) -> Endpoint[Any]:
    endpoint = notes.endpoint(path="/jottings", path_parameters=(), responses={204: None})
    return endpoint._replace(permissions=permissions)


DAYS = Setting("days", int, "How long.", default=1)


@pytest.mark.parametrize(
    ("table", "says"),
    (
        (JOTTINGS._replace(name="My Notes"), "'My Notes' is not words of a-z and 0-9 joined by"),
        (JOTTINGS._replace(name="n" * 33), "at most 32 characters"),
        (JOTTINGS._replace(partition_key=""), "partition_key is missing"),
        (Table("a", "expires", ttl_setting=DAYS), "expires is the attribute of expiry"),
        (
            Table("a", "b", ttl_setting=DAYS._replace(type=str, default="1")),
            "ttl_setting: days counts days, so",
        ),
        (JOTTINGS._replace(sort_key="at"), "at is a key of two types"),
        (JOTTINGS._replace(indexes=(Index("x", "topic"),)), "name: 'x' is not 3 to 255"),
    ),
)
def test_an_invalid_table_is_refused_with_its_file_and_name(
    declare: Any, table: Table, says: str
) -> None:
    declare(table)
    with pytest.raises(DeclarationError, match="function/tables.py: JOTTINGS: .*" + says):
        load_tables()


@pytest.mark.parametrize(
    ("permission", "says"),
    (
        (("jotting", ("dynamodb:Query",)), "unknown table 'jotting'; known: .*jottings"),
        (("jottings", ("dynamodb:Query",), "by-name"), "unknown index of jottings 'by-name'; kn"),
    ),
)
def test_a_permission_for_an_unknown_table_or_index_is_refused(
    declare: Any, permission: Any, says: str
) -> None:
    declare(JOTTINGS)
    with pytest.raises(DeclarationError, match=says):
        validate_endpoints({"list": _endpoint(TablePermission(*permission))})


def test_two_tables_of_a_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, key in (("JOTTINGS", "id"), ("OTHERS", "key")):
        monkeypatch.setattr(function.tables, variable, Table("jottings", key), raising=False)
    with pytest.raises(DeclarationError, match="OTHERS: name 'jottings' is taken"):
        load_tables()
