"""The running whole: API Gateway, Lambda and DynamoDB in the emulator, with IAM enforced."""

import ipaddress
import time
import uuid

import pytest

from local.local_stack import LocalStack


def test_a_post_is_answered_stored_logged_and_traced(local: LocalStack) -> None:
    before = time.time()
    reply = local.call()
    after = time.time()
    assert reply.status == 201
    answer = reply.json()
    uuid.UUID(answer["key"])
    ipaddress.ip_address(answer["ip"])
    assert before - 1e-6 <= answer["epoch"] <= after
    assert {
        "key": {"S": answer["key"]},
        "epoch": {"N": str(answer["epoch"])},
        "ip": {"S": answer["ip"]},
    } in local.items()
    (line,) = [line for line in local.log_lines() if line.get("key") == answer["key"]]
    assert line["route"] == "POST /epoch" and line["status"] == 201
    deadline = time.monotonic() + 60  # they come by UDP
    while len(segments := local.traces.trace(line["traceId"])) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    segment = segments[0]
    assert segment["name"] == "POST /epoch"
    assert segment["annotations"]["key"] == answer["key"]
    assert segment["annotations"]["outcome"] == "success"
    (call,) = [s for s in segments if s.get("parent_id") == segment["id"]]
    assert call["name"] == "DynamoDB" and call["aws"]["operation"] == "PutItem"


@pytest.mark.parametrize("key", ("", "wrong"))
def test_without_a_valid_key_nothing_is_stored(local: LocalStack, key: str) -> None:
    before = local.items()
    assert local.call(key=key).status == 403
    assert local.items() == before
