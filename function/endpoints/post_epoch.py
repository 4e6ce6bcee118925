"""POST /epoch: store the current time and the client's address."""

import os
import re
import time
from typing import Any

from function.declare.endpoint import Endpoint, Parameter, Request, Response, SampleRequest
from function.declare.permission import TablePermission
from function.declare.problem import Problem
from function.runtime import aws_client, dynamodb
from function.tables import EPOCHS_TABLE

# An item of the table; `epoch` is Unix seconds with microseconds.
Item = dict[str, dict[str, str]]

_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def _uuid(version: int, octets: bytes) -> str:
    """Return 16 octets as a UUID of this version (RFC 9562, section 4)."""
    bits = int.from_bytes(octets)
    bits = bits & ~(0xF << 76) & ~(0x3 << 62) | version << 76 | 0x2 << 62
    return re.sub(r"(.{8})(.{4})(.{4})(.{4})", r"\1-\2-\3-\4-", f"{bits:032x}")


def _key(request: Request) -> str:
    """Return a random key, or the key that belongs to the client's Idempotency-Key.

    The latter is a hash of the header and the caller's id, so two callers never share an item.
    """
    header = request.headers.get("idempotency-key")
    if header is None:
        return _uuid(4, os.urandom(16))
    if not _IDEMPOTENCY_KEY.fullmatch(header):
        raise Problem(400, "Idempotency-Key: send it once, with 1 to 255 visible ASCII characters.")
    if not request.identity.id:
        raise Problem(403, "Idempotency-Key: send it with an API key.")
    # Imported here: OpenSSL would take a third of the time that the declarations take to load.
    import hashlib

    digest = hashlib.sha256(f"{request.identity.id}\0{header}".encode()).digest()
    return _uuid(8, digest[:16])


def _put_if_absent(item: Item, now: float) -> tuple[Item, bool]:
    """Store an item unless its key exists; return the stored item and True for a replay.

    An earlier attempt of this call, whose response was lost, may have written the item: that is no
    replay. Raises Problem with 503 if DynamoDB throttles the call or does not answer.
    """
    condition: dict[str, Any] = {
        "ConditionExpression": "attribute_not_exists(#key)",
        "ExpressionAttributeNames": {"#key": EPOCHS_TABLE.partition_key},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    if expires := dynamodb.ttl_attribute(EPOCHS_TABLE, now):
        # DynamoDB deletes expired items within days, not at once.
        condition["ConditionExpression"] += " OR expires < :now"
        condition["ExpressionAttributeValues"] = {":now": {"N": str(int(now))}}
    try:
        dynamodb.call("put_item", EPOCHS_TABLE, Item=item | expires, **condition)
    except aws_client.ConditionFailed as failed:
        if not failed.item:
            raise aws_client.service_unavailable() from failed
        first = {name: failed.item[name] for name in item}
        return first, not (failed.may_be_own_write and first == item)
    return item, False


def create_epoch(request: Request) -> Response:
    """Store the time, in microseconds, and the client's address; a retry gets the first item."""
    if not request.ip:
        raise Problem(400, "The client's address is unknown.")
    key, epoch = _key(request), dynamodb.number(f"{time.time_ns() // 1000}e-6")
    item = {"key": {"S": key}, "epoch": {"N": repr(epoch)}, "ip": {"S": request.ip}}
    stored, replayed = _put_if_absent(item, epoch)
    return Response(
        status=201,
        body={
            "key": key,
            "epoch": dynamodb.number(stored["epoch"]["N"]),
            "ip": stored["ip"]["S"],
        },
        headers={"Idempotency-Replayed": "true"} if replayed else {},
        log_fields={"key": key, "replayed": replayed},
    )


EPOCH_SCHEMA = {
    "title": "Epoch",
    "description": "A recorded moment.",
    "type": "object",
    "required": ["key", "epoch", "ip"],
    "properties": {
        "key": {
            "type": "string",
            "format": "uuid",
            "example": "4029fc0c-b7c1-4771-9c27-6cff7fa9698b",
        },
        "epoch": {
            "type": "number",
            "format": "double",
            "description": "Unix seconds with microseconds.",
            "example": 1795573645.498338,
        },
        "ip": {
            "type": "string",
            "description": "The caller's address, IPv4 or IPv6.",
            "example": "192.0.2.1",
        },
    },
}

ENDPOINT = Endpoint(
    method="POST",
    path="/epoch",
    summary="Record the current time and the caller's address.",
    handle=create_epoch,
    responses={201: EPOCH_SCHEMA},
    response_headers=(
        Parameter(
            name="Idempotency-Replayed",
            description="`true` where the answer carries the record of an earlier call.",
            example="true",
        ),
    ),
    request_headers=(
        Parameter(
            name="Idempotency-Key",
            description="Makes a repeat safe: calls of one API key with the same value record "
            "once, and each later one is answered with the first record. 1 to 255 visible ASCII "
            'characters, compared as they are: `"a"`, with quotes, is not `a`. Take a new value, '
            "a UUID for example, for each new record.",
            pattern=r"^[\x21-\x7e]{1,255}$",
            example="8e03978e-40d5-43e8-bc93-6894a57f9324",
        ),
    ),
    permissions=(TablePermission(table=EPOCHS_TABLE.name, actions=("dynamodb:PutItem",)),),
    sample=SampleRequest(),
)
