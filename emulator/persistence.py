"""Keeps the items of tables in a file between runs.

Each change is one line, written before the response to its call. So a killed emulator loses no
confirmed change, and a change that the disk has no room for is not confirmed.
"""

import errno
import fcntl
import json
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ministack.services import dynamodb

from emulator import failure_log
from emulator.patching import Original, Patch, wrap

# Pulumi's auto-naming appends it anew in each run.
_RANDOM_SUFFIX = re.compile(r"-[0-9a-f]{7}$")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Items = dict[tuple[str, str], Any]


def _line(table: str, partition: str, sort: str, item: Any) -> bytes:
    return json.dumps([table, partition, sort, item]).encode() + b"\n"


def _change(line: bytes) -> tuple[str, str, str, Any]:
    """Return the table, the keys and the item of a line; raise an error for any other content."""
    table, partition, sort, item = json.loads(line.decode("utf-8"))
    # A lone surrogate has no UTF-8, so no response could hold it.
    json.dumps([table, partition, sort, item], ensure_ascii=False).encode("utf-8")
    if not all(isinstance(name, str) for name in (table, partition, sort)):
        raise TypeError("the table and the keys must be text")
    if item is not None and dynamodb._validate_item(item):
        raise ValueError("this is no item")
    return table, partition, sort, item


def _read(content: bytes) -> tuple[dict[str, Items], list[bytes]]:
    """Return the items by table and by keys, None for a deleted item, and the invalid lines."""
    tables: dict[str, Items] = {}
    invalid = []
    for line in content.removeprefix(_BYTE_ORDER_MARK).split(b"\n"):
        try:
            if line.strip():
                table, *keys, item = _change(line)
                tables.setdefault(table, {})[keys[0], keys[1]] = item
        except (RecursionError, TypeError, ValueError):
            invalid.append(line)
    return tables, invalid


@contextmanager
def _exit_on_error(path: Path) -> Iterator[None]:
    """End the emulator with one line if the file cannot keep tables."""
    try:
        yield
    except (OSError, RuntimeError) as error:  # the latter for a loop of links
        place = getattr(error, "filename2", None) or getattr(error, "filename", None) or path
        reason = getattr(error, "strerror", None) or error
        sys.exit(f"cannot keep tables: {place}: {reason}; correct it, or run without PERSIST=1")


def _write(number: int, content: bytes) -> None:
    """Append all of the content, or nothing."""
    before = os.fstat(number).st_size
    try:
        if os.write(number, content) < len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError:
        os.ftruncate(number, before)
        raise


class _Journal:
    """The open file with the changes of the tables, which no other run may use."""

    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._lock = threading.Lock()
        self._failing = False
        target = path.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink() and not target.exists():
            failure_log.write(f"{path} leads to {target}, which is missing: the tables are empty")
        if target.exists() and not target.is_file():
            aside = target.with_name(f"{target.name}.rejected-{os.getpid()}")
            target.rename(aside)
            failure_log.write(f"{path} is no file: it is now {aside.name}, the tables are empty")
        former = self._open(target, os.O_RDWR)
        if not os.path.samestat(os.fstat(former), target.stat()):
            raise OSError(errno.EAGAIN, "another run uses it")
        with open(former, "rb") as source:
            self.tables, invalid = _read(source.read())
            if invalid:
                self._set_aside(target, invalid)
            # The former file stays until the new one is complete.
            new = target.with_name(f"{target.name}.new")
            self._number = self._open(new, os.O_WRONLY | os.O_TRUNC)
            try:
                changes = (
                    (t, keys, i) for t, items in self.tables.items() for keys, i in items.items()
                )
                _write(self._number, b"".join(_line(t, *keys, i) for t, keys, i in changes if i))
                os.replace(new, target)
            except OSError:
                new.unlink()
                raise

    @staticmethod
    def _open(path: Path, flags: int) -> int:
        number = os.open(path, flags | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        for _ in range(60):  # a killed run needs a moment to end
            with suppress(BlockingIOError):
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return number
            time.sleep(0.05)
        os.close(number)
        raise OSError(errno.EAGAIN, "another run uses it")

    def _set_aside(self, path: Path, lines: list[bytes]) -> None:
        aside = path.with_name(f"{path.name}.rejected")
        number = self._open(aside, os.O_WRONLY)
        _write(number, b"".join(line + b"\n" for line in lines))
        os.close(number)
        failure_log.write(f"{self._name}: invalid lines: {len(lines)}, now in {aside.name}")

    def write(self, table: str, partition: str, sort: str, item: Any) -> None:
        """Append a change; raise OSError if it cannot be kept."""
        with self._lock:
            try:
                _write(self._number, _line(table, partition, sort, item))
                self._failing = False
            except OSError as error:
                if not self._failing:
                    failure_log.write(f"cannot keep changes in {self._name}: {error.strerror}")
                self._failing = True
                raise


def patches(path: Path) -> tuple[Patch, ...]:
    """Return the patches that restore a file's items to created tables and record all changes.

    A restored item fits the keys of the created table; others are dropped.
    """
    with _exit_on_error(path):
        journal = _Journal(path)

    def base_name(table: Any) -> str:
        return _RANDOM_SUFFIX.sub("", table["TableName"])

    put = dynamodb._set_item  # the original, because the journal already has the restored items

    def create_table(original: Original, data: Any) -> Any:
        reply = original(data)
        if reply[0] == 200:
            table = dynamodb._tables[data["TableName"]]
            expected = {key["AttributeName"] for key in data["KeySchema"]}
            for keys, item in journal.tables.get(base_name(table), {}).items():
                if item and expected <= item.keys():
                    if not dynamodb._key_type_mismatch_reason(table, item):
                        put(table, *keys, item)
        return reply

    def set_item(original: Original, table: Any, partition: str, sort: str, item: Any) -> Any:
        journal.write(base_name(table), partition, sort, item)
        return original(table, partition, sort, item)

    def remove_item(original: Original, table: Any, partition: str, sort: str) -> Any:
        journal.write(base_name(table), partition, sort, None)
        return original(table, partition, sort)

    return (
        wrap(dynamodb, "_create_table", create_table),
        wrap(dynamodb, "_set_item", set_item),
        wrap(dynamodb, "_remove_item", remove_item),
    )
