"""Every row of the contract, on the running whole."""

import json
import math
from concurrent.futures import ThreadPoolExecutor

import pytest

from local import deploy
from local.deploy import LocalStack, Reply

PROBLEM = {"type", "title", "status", "detail", "requestId"}


def _is_problem(reply: Reply, status: int) -> bool:
    body = reply.json()
    kind = {name.lower(): value for name, value in reply.headers.items()}["content-type"]
    return (
        reply.status == body["status"] == status
        and set(body) == PROBLEM
        and bool(body["requestId"])
        and kind == "application/problem+json"
    )


def _with_key(local: LocalStack, key: str) -> list[dict[str, dict[str, str]]]:
    return [item for item in local.items() if item["key"] == {"S": key}]


def test_repeats_in_sequence_give_one_item_and_one_answer(local: LocalStack) -> None:
    first, *later = [local.call({"Idempotency-Key": "sequence"}) for _ in range(3)]
    assert first.status == 201 and "Idempotency-Replayed" not in first.headers
    for reply in later:
        assert reply.status == 201 and reply.body == first.body
        assert reply.headers["Idempotency-Replayed"] == "true"
    assert len(_with_key(local, first.json()["key"])) == 1


def test_fifty_repeats_at_once_give_one_item_and_one_answer(local: LocalStack) -> None:
    with ThreadPoolExecutor(50) as pool:
        calls = [pool.submit(local.call, {"Idempotency-Key": "at-once"}) for _ in range(50)]
    replies = [call.result() for call in calls]
    answered = [reply for reply in replies if reply.status == 201]
    assert {reply.status for reply in replies} <= {201, 429}
    assert answered and len({reply.body for reply in answered}) == 1
    assert sum("Idempotency-Replayed" not in reply.headers for reply in answered) == 1
    assert len(_with_key(local, answered[0].json()["key"])) == 1


def test_without_the_header_every_call_records_anew(local: LocalStack) -> None:
    assert local.call().json()["key"] != local.call().json()["key"]


def test_the_item_carries_the_digits_of_the_answer_and_nothing_else(local: LocalStack) -> None:
    answer = json.loads(local.call().body, parse_float=str)
    (item,) = _with_key(local, answer["key"])
    assert item == {
        "key": {"S": answer["key"]},
        "epoch": {"N": answer["epoch"]},
        "ip": {"S": "127.0.0.1"},
    }
    assert math.isclose(float(answer["epoch"]) * 1e6 % 1, 0, abs_tol=0.5)


@pytest.mark.parametrize("value", ("a" * 256, "a b", "\u00e9"))
def test_a_bad_idempotency_key_is_a_problem_and_stores_nothing(
    local: LocalStack, value: str
) -> None:
    before = len(local.items())
    assert _is_problem(local.call({"Idempotency-Key": value}), 400)
    assert len(local.items()) == before


def test_what_a_client_writes_into_x_forwarded_for_never_reaches_the_item(
    local: LocalStack,
) -> None:
    answer = local.call({"X-Forwarded-For": "203.0.113.9"}).json()
    assert answer["ip"] == "127.0.0.1"
    assert _with_key(local, answer["key"])[0]["ip"] == {"S": "127.0.0.1"}


def test_api_gateways_own_answers_are_problems_too(local: LocalStack) -> None:
    assert _is_problem(local.call(key=""), 403)
    assert _is_problem(local.call(key="wrong"), 403)
    assert _is_problem(local.call(path="/nowhere"), 404)


def test_a_proxy_and_a_retention_can_be_declared() -> None:
    config = {"epoch:trusted_proxies": "1", "epoch:retention_days": "30"}
    with deploy.up("dev", config=config) as local:
        # The client wrote the first address, the proxy the second.
        answer = local.call({"X-Forwarded-For": "198.51.100.1, 2001:db8::7"}).json()
        (item,) = local.items()
        assert answer["ip"] == item["ip"]["S"] == "2001:db8::7"
        assert int(item["expires"]["N"]) == int(answer["epoch"]) + 30 * 86_400
        assert local.call().json()["ip"] == "127.0.0.1"
