"""The file of kept tables: every confirmed change survives, and nothing is lost without a word."""

import json
import os
import resource
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ministack.services import dynamodb

from emulator import persistence

TABLE = {"TableName": "web-shop-orders-0123456"}
ITEM = {"key": {"S": "a"}, "price": {"N": "1.5"}}
LINE = persistence._line("web-shop-orders", "a", "", ITEM)


class _Run(persistence._Journal):
    """A journal that the next run of the test closes, as the end of its process would."""

    open: list["_Run"] = []

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.open.append(self)

    @classmethod
    def end_all(cls) -> None:
        """Close all journals."""
        while cls.open:
            os.close(cls.open.pop()._number)


@pytest.fixture(name="file")
def _file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "run").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "run"))
    monkeypatch.setattr(dynamodb, "_tables", {})
    monkeypatch.setattr(persistence, "_Journal", _Run)
    yield tmp_path / ".local" / "tables-dev.jsonl"
    _Run.end_all()


def _warnings(file: Path) -> list[str]:
    log = file.parents[1] / "run" / "failures.log"
    return log.read_text("utf-8").splitlines() if log.exists() else []


def _calls(file: Path) -> dict[str, Callable[..., Any]]:
    """Start a run; return its replacements of MiniStack's functions."""

    def create(data: Any) -> tuple[int]:
        table = {**data, "items": {}, "pk_name": "key", "sk_name": None}
        dynamodb._tables[data["TableName"]] = table
        return (200,)

    originals = {"_create_table": create}
    return {
        patch.name: patch.new(originals.get(patch.name, lambda *_: None))
        for patch in persistence.patches(file)
    }


def _restored(file: Path, kind: str = "S") -> list[Any]:
    """Return the items of a table that the next run creates."""
    _Run.end_all()
    keys = [{"AttributeName": "key", "KeyType": "HASH"}]
    types = [{"AttributeName": "key", "AttributeType": kind}]
    data = {"TableName": "web-shop-orders-fedcba9", "KeySchema": keys}
    _calls(file)["_create_table"](data | {"AttributeDefinitions": types})
    items = dynamodb._tables[data["TableName"]]["items"]
    return [item for rows in items.values() for item in rows.values()]


def test_changes_are_there_in_the_next_run(file: Path) -> None:
    calls = _calls(file)
    for key in ("a", "b", "ü€😀\u2028"):
        calls["_set_item"](TABLE, key, "", {"key": {"S": key}})
    calls["_remove_item"](TABLE, "b", "")
    assert _restored(file) == [{"key": {"S": "a"}}, {"key": {"S": "ü€😀\u2028"}}]
    assert file.stat().st_mode & 0o777 == 0o600
    assert not _warnings(file)


def test_an_item_with_another_type_of_key_is_left_out(file: Path) -> None:
    _calls(file)["_set_item"](TABLE, "a", "", ITEM)
    assert _restored(file, kind="N") == []
    assert _restored(file) == [ITEM]


INVALID = {
    "a cut line": LINE[:20],
    "a cut character": '["web-shop-orders", "ü'.encode()[:-1],
    "zeros": b"\0" * 64,
    "deep nesting": b"[" * 100_000 + b"]" * 100_000,
    "a long number": b"1" * 5_000,
    "no list": b"{}",
    "five values": json.dumps(["t", "a", "", ITEM, 5]).encode(),
    "a key that is no text": json.dumps(["t", None, "", ITEM]).encode(),
    "no item": json.dumps(["t", "a", "", [ITEM]]).encode(),
    "an unknown type": json.dumps(["t", "a", "", {"key": {"X": "a"}}]).encode(),
    "no UTF-8": json.dumps(["t", "a", "", {"key": {"S": "\ud800"}}]).encode(),
}


@pytest.mark.parametrize("invalid", INVALID.values(), ids=INVALID)
def test_an_invalid_line_is_set_aside_and_the_others_are_read(file: Path, invalid: bytes) -> None:
    file.parent.mkdir()
    other = LINE.replace(b'"a"', b'"b"')
    file.write_bytes(LINE + invalid + b"\n" + other)
    assert len(_restored(file)) == 2
    assert _warnings(file) == [
        "tables-dev.jsonl: invalid lines: 1, now in tables-dev.jsonl.rejected"
    ]
    assert file.with_name("tables-dev.jsonl.rejected").read_bytes() == invalid + b"\n"
    assert len(_restored(file)) == 2 and len(_warnings(file)) == 1


def test_rejected_lines_of_a_former_run_stay(file: Path) -> None:
    file.parent.mkdir()
    for text in (b"one\n", b"two\n"):
        file.write_bytes(text)
        _calls(file)
        _Run.end_all()
    assert file.with_name("tables-dev.jsonl.rejected").read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize(
    "content",
    [b"\xef\xbb\xbf" + LINE, LINE.replace(b"\n", b"\r\n"), LINE.rstrip(), b"\n\n" + LINE + b" \n"],
    ids=["byte order mark", "CRLF", "no last line end", "empty lines"],
)
def test_an_editors_marks_lose_nothing(file: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    assert _restored(file) == [ITEM]
    assert not _warnings(file)


def test_a_dangling_link_is_reported_and_keeps_changes(file: Path, tmp_path: Path) -> None:
    file.parent.mkdir()
    file.symlink_to(tmp_path / "missing" / "tables.jsonl")
    _calls(file)["_set_item"](TABLE, "a", "", ITEM)
    (warning,) = _warnings(file)
    assert "tables-dev.jsonl leads to" in warning and "which is missing" in warning
    assert _restored(file) == [ITEM] and file.is_symlink()


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_what_is_no_file_is_renamed(file: Path, make: Callable[[Path], None]) -> None:
    file.parent.mkdir()
    make(file)
    _calls(file)["_set_item"](TABLE, "a", "", ITEM)
    (warning,) = _warnings(file)
    assert "tables-dev.jsonl is no file: it is now tables-dev.jsonl.rejected-" in warning
    assert _restored(file) == [ITEM]


def _loop(file: Path) -> None:
    file.symlink_to(file)


def _folder_as_copy(file: Path) -> None:
    file.write_bytes(LINE)
    file.with_name("tables-dev.jsonl.new").mkdir()


@pytest.mark.parametrize("obstruct", [_loop, _folder_as_copy])
def test_a_run_that_cannot_keep_tables_ends_with_one_line(
    file: Path, obstruct: Callable[[Path], None]
) -> None:
    file.parent.mkdir()
    obstruct(file)
    before = file.read_bytes() if file.is_file() else b""
    with pytest.raises(SystemExit, match=r"cannot keep tables: .*; correct it, or run without"):
        _calls(file)
    assert (file.read_bytes() if file.is_file() else b"") == before


def test_two_runs_cannot_use_one_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persistence.time, "sleep", lambda _: None)
    first = _calls(file)
    with pytest.raises(SystemExit, match="another run uses it"):
        _calls(file)
    first["_set_item"](TABLE, "a", "", ITEM)
    assert file.read_bytes() == LINE


@pytest.fixture(name="limit")
def _limit() -> Iterator[Callable[[int], None]]:
    """Limit the size of files, as a full disk does: a write may be cut, the next one fails."""
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def limit(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, former[1]))

    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, former)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_refuses_changes_and_loses_none(
    file: Path, limit: Callable[[int], None]
) -> None:
    calls = _calls(file)
    written = []
    limit(len(LINE) * 5 // 2)
    for key in "abcdef":
        try:
            calls["_set_item"](TABLE, key, "", {"key": {"S": key}, "price": {"N": "1.5"}})
            written.append(key)
        except OSError:
            if key == "d":
                limit(1_000_000)
    assert written == ["a", "b", "e", "f"]
    assert [item["key"]["S"] for item in _restored(file)] == written
    assert _warnings(file) == ["cannot keep changes in tables-dev.jsonl: No space left on device"]


def test_a_full_disk_at_the_start_overwrites_nothing(
    file: Path, limit: Callable[[int], None]
) -> None:
    file.parent.mkdir()
    content = b"".join(persistence._line("t", str(n), "", ITEM) for n in range(50))
    file.write_bytes(content)
    limit(len(content) // 2)
    with pytest.raises(SystemExit, match="cannot keep tables: .*No space left"):
        _calls(file)
    assert file.read_bytes() == content
    assert [path.name for path in file.parent.iterdir()] == [file.name]
