"""The data layer: only this module calls DynamoDB."""

import json
import os
import re
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from function.declare.problem import Problem
from function.declare.table import PARTITION_KEY_BYTES, SORT_KEY_BYTES, TTL_ATTRIBUTE, Table
from function.runtime import aws_client
from function.runtime.settings import SETTINGS

SECONDS_PER_DAY = 86_400


def number(digits: str) -> int | float:
    """Return a DynamoDB Number as a number that JSON and `repr` write with the same digits.

    That holds for up to 15 significant digits, and for Unix seconds in microseconds until 2255.
    DynamoDB keeps no trailing zeros, so a whole number is an int.
    """
    value = float(digits)
    return int(value) if value.is_integer() else value


# The starts of the operations whose arguments name their tables themselves.
_OWN_TABLES = ("batch_", "execute_", "transact_")

# The parts of a batch that DynamoDB has left over, by the argument that takes them again.
_LEFT_OVER = {"batch_get_item": "UnprocessedKeys", "batch_write_item": "UnprocessedItems"}
_BATCH_ATTEMPTS = 5


def table_name(table: Table) -> str:
    """Return a table's name on AWS, for batches, transactions and PartiQL."""
    return aws_client.resource(table)


def call(operation: str, table: Table, **request: Any) -> dict[str, Any]:
    """Call an operation of boto3's DynamoDB client on a table's items, and return its response.

    A batch, a transaction and PartiQL name their tables by `table_name` in their own arguments. The
    call sends the items again that DynamoDB leaves unprocessed in a batch.

    Raises:
    - Problem with 503 if DynamoDB throttles the call or does not answer within CALL_DEADLINE_S.
      The same if the response is not DynamoDB's, or if the credentials have expired. After a 503,
      the operation may have taken effect. The same if a batch has unprocessed items after five
      attempts.
    - Problem with 400 or 413 for data that DynamoDB cannot store, such as an item over 400 KB.
    - ConditionFailed if a condition does not hold; TransactionCanceled for a transaction.
    - botocore's ClientError for any other error, of a single statement too.
    """
    name = table_name(table)
    if not operation.startswith(_OWN_TABLES):
        request = {"TableName": name, **request}
    send = partial(aws_client.send, "dynamodb", operation, {"table_name": name})
    response = send(request)
    if operation in _LEFT_OVER:
        _finish_batch(send, _LEFT_OVER[operation], request, response)
    if operation == "batch_execute_statement":
        aws_client.raise_first_error(response)
    return response


def _finish_batch(
    send: Callable[[dict[str, Any]], dict[str, Any]],
    left_over: str,
    request: dict[str, Any],
    response: dict[str, Any],
) -> None:
    """Send the unprocessed part of a batch until nothing is left, and add to the response."""
    for attempt in range(1, _BATCH_ATTEMPTS):
        if not response.get(left_over):
            return
        time.sleep(os.urandom(1)[0] / 255 * 0.025 * 2**attempt)
        more = send({**request, "RequestItems": response[left_over]})
        for name, items in more.get("Responses", {}).items():
            response["Responses"].setdefault(name, []).extend(items)
        response[left_over] = more.get(left_over, {})
    if response.get(left_over):
        raise aws_client.service_unavailable(f"{left_over} after {_BATCH_ATTEMPTS} attempts")


def ttl_attribute(table: Table, since: float) -> dict[str, dict[str, str]]:
    """Return the attribute that lets an item expire; empty if the table's items never expire.

    The item expires the days of the table's `ttl_setting` after `since` (Unix seconds).
    """
    days = SETTINGS[table.ttl_setting] if table.ttl_setting else 0
    return {TTL_ATTRIBUTE: {"N": str(int(since) + days * SECONDS_PER_DAY)}} if days else {}


def query_page(
    table: Table, partition: Mapping[str, Any], after: str = "", **request: Any
) -> tuple[list[dict[str, Any]], str]:
    """Return a page of a partition of a table or of its index `IndexName`, and the next `after`.

    `partition` is the partition key's value: `{"S": "engines"}`. A KeyConditionExpression may
    restrict the sort key. The last page has "" as next `after`. Raises Problem with 400 for an
    `after` that is not of this partition; so a client may send it.
    """
    keys = table.part(request.get("IndexName"))
    others = sorted({*keys.keys, *table.keys} - {keys.partition_key})
    if after:
        try:
            first, *values = json.loads(b64decode(after + "==", "-_"))
            request["ExclusiveStartKey"] = {keys.partition_key: partition} | {
                name: _key_attribute(table, name, text)
                for name, text in zip(others, values, strict=True)
            }
            if first != _text(partition):
                raise ValueError("the page is of another partition")
        except (AttributeError, RecursionError, TypeError, ValueError):
            raise Problem(400, "after must be the value from a previous page.") from None
    parts = ["#partition = :partition", request.get("KeyConditionExpression", "")]
    request["KeyConditionExpression"] = " AND ".join(filter(None, parts))
    request.setdefault("ExpressionAttributeNames", {})["#partition"] = keys.partition_key
    request.setdefault("ExpressionAttributeValues", {})[":partition"] = partition
    page = call("query", table, **request)
    if last := page.get("LastEvaluatedKey"):
        after = json.dumps([_text(partition), *(_text(last[name]) for name in others)])
        return page["Items"], b64encode(after.encode(), b"-_").decode().rstrip("=")
    return page["Items"], ""


def _text(attribute: Mapping[str, Any]) -> str:
    (value,) = attribute.values()
    return b64encode(value).decode() if isinstance(value, bytes) else str(value)


def _key_attribute(table: Table, name: str, text: str) -> dict[str, Any]:
    """Return a key's attribute; raise an error for a text that the key cannot have."""
    kind = table.key_types[name]
    value: Any = b64decode(text, validate=True) if kind == "B" else text
    limit = PARTITION_KEY_BYTES if name == table.partition_key else SORT_KEY_BYTES
    number = kind != "N" or re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text)
    if not number or not 0 < len(value if kind == "B" else value.encode()) <= limit:
        raise ValueError(f"{name} has no such value")
    return {kind: value}
