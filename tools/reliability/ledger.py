"""Compares what callers were told with what is stored."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from local.stack import LocalStack


class Call(NamedTuple):
    """A request and its answer: the Idempotency-Key that was given ("" for none), the status (0
    where none came), and the body as text."""

    given: str
    status: int
    body: str


class Finding(NamedTuple):
    """What a ledger shows; `broken` are the promises that were not kept, a line each."""

    calls: int
    statuses: dict[int, int]
    stored: int
    broken: list[str]


def items(stack: LocalStack) -> dict[str, Any]:
    """Return all stored items by key."""
    pages = stack.emulator.client("dynamodb").get_paginator("scan")
    return {
        item["key"]["S"]: item
        for page in pages.paginate(TableName=stack.outputs["table_name"])
        for item in page["Items"]
    }


def compare(calls: Sequence[Call], before: dict[str, Any], after: dict[str, Any]) -> Finding:
    """Check that every 201 has its item, digit for digit, that each item was answered or belongs to
    a call that was interrupted, and that no repeat made a second item."""
    new = {key: item for key, item in after.items() if key not in before}
    broken = [f"item {key} is gone" for key in before if after.get(key) != before[key]]
    told: dict[str, set[str]] = defaultdict(set)
    answered = set()
    for call in calls:
        if call.status != 201:
            continue
        answer = json.loads(call.body)
        digits = re.search(r'"epoch": ([0-9.]+)', call.body)
        item = {
            "key": {"S": answer["key"]},
            "epoch": {"N": digits[1] if digits else ""},
            "ip": {"S": answer["ip"]},
        }
        answered.add(answer["key"])
        if after.get(answer["key"]) != item:
            broken.append(f"201 for {answer['key']} is not what is stored")
        if call.given:
            told[call.given].add(answer["key"])
    broken += [f"{given} was recorded {len(k)} times" for given, k in told.items() if len(k) > 1]
    # A key that was answered in the end has that item, and its interruption none of its own.
    interrupted = {
        call.given or object() for call in calls if call.status == 0 or call.status >= 500
    } - told.keys()
    if len(new.keys() - answered) > len(interrupted):
        broken.append(f"{len(new.keys() - answered)} items without an answer")
    return Finding(
        calls=len(calls),
        statuses=dict(sorted(Counter(call.status for call in calls).items())),
        stored=len(new),
        broken=broken,
    )
