"""POST /epoch: record the current time and the caller's address."""

import os
import re
import time
from typing import Any, NamedTuple

from function.declare.endpoint import Response, Endpoint, Parameter, Request, SampleRequest
from function.declare.permission import TablePermission
from function.declare.problem import Problem
from function.runtime import aws_client, dynamodb
from function.tables import EPOCHS_TABLE

_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class Record(NamedTuple):
    """What is stored. `epoch` is Unix seconds in microseconds, as `dynamodb.number` has them."""

    key: str
    epoch: int | float
    ip: str


def _uuid(version: int, octets: bytes) -> str:
    """Return 16 octets as a UUID of a version (RFC 9562, section 4)."""
    bits = int.from_bytes(octets)
    bits = bits & ~(0xF << 76) & ~(0x3 << 62) | version << 76 | 0x2 << 62
    return re.sub(r"(.{8})(.{4})(.{4})(.{4})", r"\1-\2-\3-\4-", f"{bits:032x}")


def _key(request: Request) -> str:
    """Return the record's key: random, or one that the caller's Idempotency-Key stands for.

    The latter hashes the API key's id with the header, so two callers never share a record.
    """
    given = request.headers.get("idempotency-key")
    if given is None:
        return _uuid(4, os.urandom(16))
    if not _IDEMPOTENCY_KEY.fullmatch(given):
        raise Problem(
            400, "Idempotency-Key must be sent once, with 1 to 255 visible ASCII characters."
        )
    if not request.api_key_id:
        raise Problem(403, "Idempotency-Key needs a caller with an API key.")
    # Loading OpenSSL would be a third of what reading the declarations costs.
    import hashlib  # pylint: disable=import-outside-toplevel

    digest = hashlib.sha256(f"{request.api_key_id}\0{given}".encode()).digest()
    return _uuid(8, digest[:16])


def _put_if_absent(record: Record) -> tuple[Record, bool]:
    """Store a record unless its key exists; return what is stored, and whether it was there.

    A record that an attempt before the last one wrote, whose answer was lost, is this call's own
    and no repeat. Raises Problem with 503 where DynamoDB is throttled or does not answer.
    """
    item = {
        EPOCHS_TABLE.partition_key: {"S": record.key},
        "epoch": {"N": repr(record.epoch)},
        "ip": {"S": record.ip},
    }
    condition: dict[str, Any] = {
        "ConditionExpression": "attribute_not_exists(#key)",
        "ExpressionAttributeNames": {"#key": EPOCHS_TABLE.partition_key},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    if expires := dynamodb.ttl_attribute(EPOCHS_TABLE, record.epoch):
        item |= expires
        # DynamoDB deletes what has expired within days, not at once.
        condition["ConditionExpression"] += " OR expires < :now"
        condition["ExpressionAttributeValues"] = {":now": {"N": str(int(record.epoch))}}
    try:
        dynamodb.call("put_item", EPOCHS_TABLE, Item=item, **condition)
    except aws_client.ConditionFailed as failed:
        if not (there := failed.item):
            raise aws_client.service_unavailable() from failed
        epoch = dynamodb.number(there["epoch"]["N"])
        first = Record(key=record.key, epoch=epoch, ip=there["ip"]["S"])
        return first, not (failed.may_be_own_write and first == record)
    return record, False


def create_epoch(request: Request) -> Response:
    """Store epoch, in microseconds, and caller's address; a repeat gets the first record."""
    if not request.ip:
        raise Problem(400, "The caller's address is not known.")
    key = _key(request)
    epoch = dynamodb.number(f"{time.time_ns() // 1000}e-6")
    stored, replayed = _put_if_absent(Record(key=key, epoch=epoch, ip=request.ip))
    return Response(
        status=201,
        body={"key": stored.key, "epoch": stored.epoch, "ip": stored.ip},
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
