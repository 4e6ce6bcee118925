"""The data layer: the one module that talks to DynamoDB."""

import os
from typing import Any

from function.declare.table import TTL_ATTRIBUTE, Table
from function.runtime import aws_client
from function.runtime.settings import SETTINGS

SECONDS_PER_DAY = 86_400


def number(digits: str) -> int | float:
    """Return a DynamoDB Number so that JSON and `repr` write its very digits again.

    That holds for up to 15 significant digits, and for Unix seconds in microseconds until 2255.
    DynamoDB keeps no trailing zeros, so a whole number is an int.
    """
    value = float(digits)
    return int(value) if value.is_integer() else value


def call(operation: str, table: Table, **request: Any) -> dict[str, Any]:
    """Call an operation on items of boto3's DynamoDB client, on a table, and return its response.

    Raises Problem with 503 where DynamoDB is throttled, does not answer within BUDGET_S, answers
    what is not DynamoDB's, or finds the credentials expired, and ConditionFailed where a condition
    does not hold; any other refusal stays botocore's ClientError, which tells the table's keys
    where they may be the reason. After a 503 the operation may have been done.
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
    """Return the attribute by which an item expires, so many days after `since` (Unix seconds) as
    the table's setting says; nothing where it never does."""
    days = SETTINGS[table.ttl_setting] if table.ttl_setting else 0
    return {TTL_ATTRIBUTE: {"N": str(int(since) + days * SECONDS_PER_DAY)}} if days else {}
