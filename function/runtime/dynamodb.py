"""The data layer: only this module calls DynamoDB."""

import os
from typing import Any

from function.declare.table import TTL_ATTRIBUTE, Table
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


def call(operation: str, table: Table, **request: Any) -> dict[str, Any]:
    """Call an operation of boto3's DynamoDB client on a table's items, and return its response.

    Raises:
    - Problem with 503 if DynamoDB throttles the call or does not answer within CALL_DEADLINE_S.
      The same if the response is not DynamoDB's, or if the credentials have expired. After a 503,
      the operation may have taken effect.
    - ConditionFailed if a condition does not hold.
    - botocore's ClientError for any other error; a ValidationException also names the table's keys.
    """
    name = os.environ[table.env_var]
    try:
        return aws_client.send(
            "dynamodb", operation, {"table_name": name}, {"TableName": name, **request}
        )
    except Exception as error:
        if getattr(error, "response", {}).get("Error", {}).get("Code") == "ValidationException":
            error.args = (f"{error}. {table.describe_keys(request.get('IndexName'))}",)
        raise


def ttl_attribute(table: Table, since: float) -> dict[str, dict[str, str]]:
    """Return the attribute that lets an item expire; empty if the table's items never expire.

    The item expires the days of the table's `ttl_setting` after `since` (Unix seconds).
    """
    days = SETTINGS[table.ttl_setting] if table.ttl_setting else 0
    return {TTL_ATTRIBUTE: {"N": str(int(since) + days * SECONDS_PER_DAY)}} if days else {}
