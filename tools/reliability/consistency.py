"""Compares the responses to callers with the stored items."""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from local.local_stack import LocalStack


class Call(NamedTuple):
    """A request and its response: the Idempotency-Key or "", the status or 0 for a lost response,
    and the body as text."""

    given: str
    status: int
    body: str


class Finding(NamedTuple):
    """The result of a comparison; `violations` has a line for each violated guarantee."""

    calls: int
    statuses: dict[int, int]
    stored: int
    violations: list[str]


def items(stack: LocalStack) -> dict[str, Any]:
    """Return all stored items by key."""
    pages = stack.emulator.client("dynamodb").get_paginator("scan")
    return {
        item["key"]["S"]: item
        for page in pages.paginate(TableName=stack.outputs["table_name"])
        for item in page["Items"]
    }


def compare(calls: Sequence[Call], before: dict[str, Any], after: dict[str, Any]) -> Finding:
    """Check that every 201 has its item, digit for digit; that every other new item belongs to an
    interrupted request; and that no retry stored a second item."""
    new = {key: item for key, item in after.items() if key not in before}
    violations = [f"item {key} is gone" for key in before if after.get(key) != before[key]]
    keys: dict[str, set[str]] = defaultdict(set)
    answered = set()
    for call in calls:
        if call.status != 201:
            continue
        answer = json.loads(call.body, parse_float=str, parse_int=str)  # the digits as sent
        key = answer["key"]
        item = {"key": {"S": key}, "epoch": {"N": answer["epoch"]}, "ip": {"S": answer["ip"]}}
        answered.add(key)
        if after.get(key) != item:
            violations.append(f"201 for {key} differs from the stored item")
        if call.given:
            keys[call.given].add(key)
    violations += [f"{given} was stored {len(k)} times" for given, k in keys.items() if len(k) > 1]
    # A key with a 201 has that item; its interrupted requests have none of their own.
    interrupted = {
        call.given or object() for call in calls if call.status == 0 or call.status >= 500
    } - keys.keys()
    if len(new.keys() - answered) > len(interrupted):
        violations.append(f"{len(new.keys() - answered)} items without a response")
    return Finding(
        calls=len(calls),
        statuses=dict(sorted(Counter(call.status for call in calls).items())),
        stored=len(new),
        violations=violations,
    )
