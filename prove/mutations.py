"""Changes of the code that break a guarantee: each must turn a test red."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.conftest import copy_of_project


class MutationError(RuntimeError):
    """A mutation does not fit the code any more."""


class Mutation(NamedTuple):
    """A guarantee, a change that breaks it, and the tests that say so."""

    guarantee: str
    file: str
    old: str
    new: str
    tests: str


_FUNCTION = "tests/shipped/test_function.py"
_POST = "function/endpoints/post_epoch.py"
_MAIN = "function/main.py"
_STORAGE = "function/storage.py"

MUTATIONS = (
    Mutation(
        "an item is never written over",
        *(_POST, '"attribute_not_exists(#key)"', '"#key = #key OR attribute_not_exists(#key)"'),
        _FUNCTION,
    ),
    Mutation(
        "X-Forwarded-For is not believed",
        *(_MAIN, "    if not proxies:\n        return seen", "    proxies = proxies or 1"),
        _FUNCTION,
    ),
    Mutation(
        "an event is never logged",
        *(_MAIN, "    event = _mapping(event)", "    event = _mapping(event)\n    print(event)"),
        "tests/shipped/test_prove.py::test_nothing_that_a_caller_sends_is_told",
    ),
    Mutation(
        "a 201 comes after the write",
        _POST,
        "stored, replayed = _put(Record(key=key, epoch=epoch, ip=request.ip))",
        "stored, replayed = Record(key=key, epoch=epoch, ip=request.ip), False",
        _FUNCTION,
    ),
    Mutation(
        "two callers never share a record",
        *(_POST, 'f"{request.api_key_id}\\0{given}"', 'f"{given}"'),
        _FUNCTION,
    ),
    Mutation(
        "a random record has 122 random bits",
        *(_POST, "os.urandom(16)", "bytes(16)"),
        _FUNCTION,
    ),
    Mutation(
        "what is no refusal of the moment is no 503",
        *(_STORAGE, "        if not _not_now(error.response):\n            raise\n", ""),
        _FUNCTION,
    ),
    Mutation(
        "the role may do what is declared, no more",
        "components/permissions.py",
        "[allow(sorted(names), resource) for",
        '[allow(sorted(names), "*") for',
        "tests/shipped/test_permissions.py tests/test_infrastructure.py",
    ),
    Mutation(
        "a function is invoked by its own API alone",
        *("local/gateway_errors.py", 'return bool(decided.decision == "Allow")', "return True"),
        "tests/test_gateway_errors.py",
    ),
)


def caught(folder: Path) -> Iterator[tuple[Mutation, str]]:
    """Return for each mutation the first test that it turned red, "" for none. `folder` is empty.

    Raises MutationError for one that does not fit the code any more.
    """
    copy = copy_of_project(folder / "project")
    for mutation in MUTATIONS:
        path = copy / mutation.file
        whole = path.read_text("utf-8")
        if mutation.old not in whole:
            raise MutationError(f"{mutation.file} has no {mutation.old!r} any more")
        path.write_text(whole.replace(mutation.old, mutation.new, 1), "utf-8")
        out = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", *mutation.tests.split()],
            cwd=copy,
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        path.write_text(whole, "utf-8")
        yield mutation, next(
            (line.split()[1] for line in out.splitlines() if line.startswith("FAILED ")), ""
        )
