"""Keeps the items of tables in a file between runs.

Each change is one line, written before the response to its call. So a killed emulator loses no
confirmed change.
"""

import json
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from ministack.services import dynamodb

from emulator.patching import Original, Patch, wrap

# Pulumi's auto-naming appends it anew in each run.
_RANDOM_SUFFIX = re.compile(r"-[0-9a-f]{7}$")

Items = dict[tuple[str, str], Any]


def _read(path: Path) -> dict[str, Items]:
    """Return the items by table, and by partition and sort key; None for a deleted item."""
    tables: dict[str, Items] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        with suppress(ValueError):  # a crash can cut the last line
            table, partition, sort, item = json.loads(line)
            tables.setdefault(table, {})[partition, sort] = item
    return tables


def patches(path: Path) -> tuple[Patch, ...]:
    """Return the patches that restore a file's items to created tables and record all changes.

    A restored item has all keys of the created table; others are dropped.
    """
    saved = _read(path)
    compacted = path.with_suffix(".new")
    # Created here, because another run removes the empty folder when it ends.
    path.parent.mkdir(exist_ok=True)
    compacted.touch(mode=0o600)
    journal = compacted.open("w", encoding="utf-8", buffering=1)

    def write(table: str, partition: str, sort: str, item: Any) -> None:
        journal.write(json.dumps([table, partition, sort, item]) + "\n")

    for table, items in saved.items():
        for keys, item in items.items():
            if item:
                write(table, *keys, item)
    os.replace(compacted, path)

    def base_name(table: Any) -> str:
        return _RANDOM_SUFFIX.sub("", table["TableName"])

    # pylint: disable=protected-access
    put = dynamodb._set_item  # the original, because the journal already has the restored items

    def create_table(original: Original, data: Any) -> Any:
        reply = original(data)
        if reply[0] == 200:
            table = dynamodb._tables[data["TableName"]]
            expected = {key["AttributeName"] for key in data["KeySchema"]}
            for keys, item in saved.get(base_name(table), {}).items():
                if item and expected <= item.keys():
                    put(table, *keys, item)
        return reply

    def set_item(original: Original, table: Any, partition: str, sort: str, item: Any) -> Any:
        old = original(table, partition, sort, item)
        write(base_name(table), partition, sort, item)
        return old

    def remove_item(original: Original, table: Any, partition: str, sort: str) -> Any:
        write(base_name(table), partition, sort, None)
        return original(table, partition, sort)

    return (
        wrap(dynamodb, "_create_table", create_table),
        wrap(dynamodb, "_set_item", set_item),
        wrap(dynamodb, "_remove_item", remove_item),
    )
