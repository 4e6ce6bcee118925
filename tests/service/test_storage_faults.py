"""The running whole on a DynamoDB that fails: 503 or 201, never two items, never a leak."""

import uuid
from collections.abc import Iterator

import pytest

from local.local_stack import LocalStack
from tools.reliability import fake_dynamodb

PROBLEM_SCHEMA = {"type", "title", "status", "detail", "requestId"}


@pytest.fixture(scope="module")
def between(local: LocalStack) -> Iterator[fake_dynamodb.Storage]:
    """Put a storage that can fail between the function and the emulator's DynamoDB."""
    with fake_dynamodb.between(local) as server:
        yield server


@pytest.mark.parametrize(
    ("faults", "status", "written"),
    (
        (["throttled"], 201, 1),
        (["throttled", "over capacity"], 503, 0),
        (["broken"], 201, 1),
        (["broken", "broken"], 503, 0),
        (["drop"], 201, 1),
        (["drop", "drop"], 503, 1),
        (["slow"], 201, 1),
        (["denied"], 500, 0),
    ),
)
def test_the_answer_is_true_and_tells_nothing(
    local: LocalStack, between: fake_dynamodb.Storage, faults: list[str], status: int, written: int
) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    before = len(local.items())
    between.faults = list(faults)
    reply = local.call(key)
    assert reply.status == status and not between.faults
    assert len(local.items()) - before == written
    assert fake_dynamodb.SECRET not in reply.body
    if status == 201:
        assert "Idempotency-Replayed" not in reply.headers
    else:
        assert set(reply.json()) == PROBLEM_SCHEMA and reply.json()["status"] == status
        assert reply.headers.get("Retry-After") == ("1" if status == 503 else None)
    again = local.call(key)
    assert again.status == 201 and len(local.items()) - before == 1
    assert ("Idempotency-Replayed" in again.headers) == bool(written)
