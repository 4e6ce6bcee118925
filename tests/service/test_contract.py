"""Every row of the contract, on the running whole."""

import json
import math
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from local.local_stack import LocalStack, Reply

PROBLEM_SCHEMA = {"type", "title", "status", "detail", "requestId"}


def _is_problem(reply: Reply, status: int) -> bool:
    body = reply.json()
    kind = {name.lower(): value for name, value in reply.headers.items()}["content-type"]
    return (
        reply.status == body["status"] == status
        and set(body) == PROBLEM_SCHEMA
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


def _persistent(local: LocalStack, headers: dict[str, str]) -> Reply:
    """Call, and retry 429 and 503 as a client does: fifty cold starts are a busy machine."""
    while (reply := local.call(headers)).status in {429, 503}:
        time.sleep(int(reply.headers["Retry-After"]))
    return reply


def test_fifty_repeats_at_once_give_one_item_and_one_answer(local: LocalStack) -> None:
    with ThreadPoolExecutor(50) as pool:
        replies = list(
            pool.map(lambda _: _persistent(local, {"Idempotency-Key": "at-once"}), range(50))
        )
    assert {reply.status for reply in replies} == {201}
    assert len({reply.body for reply in replies}) == 1
    # None is the first where the first one's answer was lost.
    assert sum("Idempotency-Replayed" not in reply.headers for reply in replies) <= 1
    assert len(_with_key(local, replies[0].json()["key"])) == 1


def test_two_api_keys_never_share_a_record(local: LocalStack) -> None:
    gateway = local.emulator.client("apigateway")
    (plan,) = gateway.get_usage_plans()["items"]
    other = gateway.create_api_key(name="other", enabled=True)
    gateway.create_usage_plan_key(usagePlanId=plan["id"], keyId=other["id"], keyType="API_KEY")
    mine = local.call({"Idempotency-Key": "same"})
    theirs = local.call({"Idempotency-Key": "same"}, key=other["value"])
    assert mine.status == theirs.status == 201
    assert mine.json()["key"] != theirs.json()["key"]
    assert "Idempotency-Replayed" not in theirs.headers


def test_a_body_is_never_stored_or_logged(local: LocalStack) -> None:
    request = urllib.request.Request(
        local.outputs["sample_url"],
        data=b"not json, but a-secret",
        headers={"x-api-key": local.outputs["default_api_key"], "Content-Type": "text/plain"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        key = json.loads(answer.read())["key"]
    (item,) = _with_key(local, key)
    assert set(item) == {"key", "epoch", "ip"}
    assert "a-secret" not in json.dumps(local.log_lines())


def test_a_log_line_has_all_that_an_operator_needs_and_no_address(local: LocalStack) -> None:
    key = local.call().json()["key"]
    (line,) = [line for line in local.log_lines() if line.get("key") == key]
    assert line["lambdaRequestId"] and line["apiRequestId"] and line["traceId"] and line["apiKeyId"]
    assert line["apiKeyId"] != local.outputs["default_api_key"]
    assert line["route"] == "POST /epoch" and line["outcome"] == "success"
    assert line["latencyMs"] > line["AwsCallLatency"] > 0
    assert isinstance(line["coldStart"], bool) and line["replayed"] is False
    assert local.outputs["default_api_key"] not in json.dumps(
        line
    ) and "127.0.0.1" not in json.dumps(line)


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


def test_a_method_that_no_endpoint_takes_is_a_problem_that_says_which_one_does(
    local: LocalStack,
) -> None:
    for method in ("GET", "PUT", "OPTIONS"):
        reply = local.call(method=method)
        assert _is_problem(reply, 405) and reply.headers["Allow"] == "POST"
    assert _is_problem(local.call(method="GET", key="wrong"), 403)
