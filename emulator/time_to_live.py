"""Records the expiry of an item in the table's stream, as a deletion by DynamoDB.

MiniStack removes expired items each minute, without a record.
"""

import threading
from contextvars import ContextVar
from typing import Any

from ministack.core import responses
from ministack.services import dynamodb

from emulator.patching import Original, wrap

_SERVICE = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
_REAPER = "dynamodb-ttl-reaper"  # MiniStack's thread for expired items

# The table from which an item expires. Copies in other regions have no service identity on AWS.
_expiring: ContextVar[Any] = ContextVar("_expiring", default=None)


def _remove_item(original: Original, table: Any, *keys: Any) -> Any:
    item = original(table, *keys)
    if item and threading.current_thread().name == _REAPER and not _expiring.get():
        _, _, _, region, account, _ = table["TableArn"].split(":", 5)
        responses.set_request_account_id(account)
        responses.set_request_region(region)
        token = _expiring.set(table)
        try:
            dynamodb._emit_stream_event(table["TableName"], "REMOVE", item, None)
        finally:
            _expiring.reset(token)
    return item


def _build_change_record(original: Original, table: Any, *change: Any) -> Any:
    record = original(table, *change)
    if table is _expiring.get():
        record["userIdentity"] = _SERVICE
    return record


PATCHES = (
    wrap(dynamodb, "_remove_item", _remove_item),
    wrap(dynamodb, "_build_change_record", _build_change_record),
)
