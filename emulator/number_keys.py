"""Finds items by Number keys in any notation: for DynamoDB, 1.50 and 1.5 are the same key."""

from typing import Any

from ministack.services import dynamodb

from emulator.patching import Original, wrap


def _extract_key_value(original: Original, attribute: Any) -> Any:
    """Return the text by which MiniStack stores and finds a key."""
    value = original(attribute)
    if isinstance(attribute, dict) and "N" in attribute:
        return dynamodb._ddb_canonicalize_number(value) or value
    return value


def _set_item(original: Original, table: Any, partition: str, sort: str, item: Any) -> Any:
    """Store the keys in the notation in which DynamoDB returns Numbers."""
    for name, value in ((table["pk_name"], partition), (table["sk_name"], sort)):
        if "N" in item.get(name, ()):
            item[name] = {"N": value}
    return original(table, partition, sort, item)


PATCHES = (
    wrap(dynamodb, "_extract_key_val", _extract_key_value),
    wrap(dynamodb, "_set_item", _set_item),
)
