"""Optimistic locking of DynamoDB items by ETag and If-Match (RFC 9110, section 13).

An item's attribute `version`, a Number, counts its changes. Its ETag is the version in quotes.
"""

import re
from collections.abc import Mapping
from typing import Any

from function.declare.endpoint import Parameter, Request
from function.declare.problem import Problem
from function.declare.table import Table
from function.runtime import aws_client, dynamodb

# Store these attributes with a new item.
FIRST_VERSION: Mapping[str, Any] = {"version": {"N": "1"}}

# For an endpoint's `response_headers`, `request_headers` and `problems`.
ETAG = Parameter("ETag", "The version of the resource; send it back as If-Match.", example='"1"')
IF_MATCH = Parameter("If-Match", "The ETag of the version that you change.", example='"1"')
PROBLEMS: Mapping[int, None] = {412: None, 428: None}


def etag(item: Mapping[str, Any]) -> str:
    """Return the ETag of an item; raise KeyError for an item without a version."""
    return f'"{item["version"]["N"]}"'


def expected_version(request: Request[Any]) -> int:
    """Return the version in If-Match.

    Raises Problem with 428 if the header is missing, and with 412 if it is not one of these ETags.
    """
    if not (header := request.headers.get("if-match")):
        raise Problem(428, "Send the header If-Match with the ETag of the version that you change.")
    if not (match := re.fullmatch(r'"(\d{1,15})"', header)):
        raise Problem(412, "If-Match must be one ETag, as you received it.")
    return int(match[1])


def write(
    operation: str, table: Table, request: Request[Any], **arguments: Any
) -> Mapping[str, Any]:
    """Change an item if it still has the version in If-Match, and return it as it is then.

    `operation` is put_item, update_item or delete_item, with the arguments of boto3's client; of a
    deleted item, it returns the last version. An UpdateExpression must not have an ADD clause.
    Raises Problem with 412 if the item has another version or is gone, and with 428 as
    `expected_version`. Raises Problem with 503 if an earlier attempt may have changed the item.
    """
    version = expected_version(request)
    following = {"N": str(version + 1)}
    names, values = {"#version": "version"}, {":version": {"N": str(version)}}
    if operation == "put_item":
        arguments["Item"] = {**arguments["Item"], "version": following}
    elif operation == "update_item":
        arguments["UpdateExpression"] += " ADD #version :one"
        values[":one"] = {"N": "1"}
    own = arguments.get("ConditionExpression")
    arguments |= {
        "ConditionExpression": "#version = :version" + (f" AND ({own})" if own else ""),
        "ExpressionAttributeNames": names | arguments.get("ExpressionAttributeNames", {}),
        "ExpressionAttributeValues": values | arguments.get("ExpressionAttributeValues", {}),
        "ReturnValues": "ALL_NEW" if operation == "update_item" else "ALL_OLD",
    }
    try:
        response = dynamodb.call(operation, table, **arguments)
    except aws_client.ConditionFailed as failed:
        if failed.may_be_own_write:
            raise aws_client.service_unavailable() from failed
        raise Problem(412, "The resource has changed; read it again.") from failed
    item: Mapping[str, Any] = arguments.get("Item") or response["Attributes"]
    return item
