"""POST /epoch: record the current time and the caller's address."""

import time
import uuid

from function import storage
from function.contract import Access, Answer, Endpoint, Request
from function.tables import EPOCHS


def record(request: Request) -> Answer:
    """Store the epoch, in microseconds, and the caller's address under a fresh UUID."""
    key = str(uuid.uuid4())
    epoch = time.time_ns() // 1000 / 1_000_000
    storage.put_epoch(key=key, epoch=epoch, ip=request.ip)
    return Answer(
        status=201,
        body={"key": key, "epoch": epoch, "ip": request.ip},
        notes={"key": key},
    )


ENDPOINT = Endpoint(
    method="POST",
    path="/epoch",
    summary="Record the current time and the caller's address.",
    handle=record,
    access=(Access(table=EPOCHS.name, actions=("dynamodb:PutItem",)),),
)
