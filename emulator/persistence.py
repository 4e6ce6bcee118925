"""Keeps the tables' items in a file, from one run to the next.

Each change is a line, written before the call that made it is answered: what a killed emulator has
confirmed is there as well.
"""

import json
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from ministack.services import dynamodb

# What auto-naming appends; a table is known by the rest.
_RANDOM = re.compile(r"-[0-9a-f]{7}$")

Items = dict[tuple[str, str], Any]


def _read(path: Path) -> dict[str, Items]:
    kept: dict[str, Items] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        with suppress(ValueError):  # the last line of a crash
            table, partition, sort, item = json.loads(line)
            kept.setdefault(table, {})[partition, sort] = item
    return kept


def install(path: Path) -> None:
    """Give tables that are created the items in the file, and write down what changes.

    An item without the keys that its table has now is left out.
    """
    # pylint: disable=protected-access
    create, put, remove = dynamodb._create_table, dynamodb._set_item, dynamodb._remove_item
    kept = _read(path)
    fresh = path.with_suffix(".new")
    # Here, not by who starts the emulator: another run that ends removes a folder that is empty.
    path.parent.mkdir(exist_ok=True)
    fresh.touch(mode=0o600)
    journal = fresh.open("w", encoding="utf-8", buffering=1)

    def write(table: str, partition: str, sort: str, item: Any) -> None:
        journal.write(json.dumps([table, partition, sort, item]) + "\n")

    for table, items in kept.items():  # without what later lines made void
        for keys, item in items.items():
            if item:
                write(table, *keys, item)
    os.replace(fresh, path)

    def name(table: Any) -> str:
        return _RANDOM.sub("", table["TableName"])

    def created(data: Any) -> Any:
        reply = create(data)
        if reply[0] == 200:
            table = dynamodb._tables[data["TableName"]]
            expected = {key["AttributeName"] for key in data["KeySchema"]}
            for keys, item in kept.get(name(table), {}).items():
                if item and expected <= item.keys():
                    put(table, *keys, item)
        return reply

    def stored(table: Any, partition: str, sort: str, item: Any) -> Any:
        old = put(table, partition, sort, item)
        write(name(table), partition, sort, item)
        return old

    def removed(table: Any, partition: str, sort: str) -> Any:
        write(name(table), partition, sort, None)
        return remove(table, partition, sort)

    for attribute, function in (
        ("_create_table", created),
        ("_set_item", stored),
        ("_remove_item", removed),
    ):
        setattr(dynamodb, attribute, function)
