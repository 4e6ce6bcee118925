"""The contract of POST /epoch: the function as Lambda calls it, its document and its stacks."""

import ipaddress
import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from time_machine import TimeMachineFixture

from function.declare import limits
from function.endpoints import post_epoch
from function.runtime import dynamodb
from function.settings import RETENTION_DAYS
from function.tables import EPOCHS_TABLE
from local.local_stack import Reply
from local.stack_files import ROOT
from testing.running import RunningStack
from testing.service import Service
from tools.reliability import fake_dynamodb

ONE = {"Idempotency-Key": "one"}
REPLAYED = "Idempotency-Replayed"


def call(service: Service, headers: dict[str, str] | None = None, **sent: Any) -> Reply:
    """Return the response to POST /epoch."""
    return service.call("POST", "/epoch", headers=headers or {}, **sent)


def stored(service: Service) -> list[dict[str, Any]]:
    """Return the stored records."""
    return service.items(EPOCHS_TABLE)


def test_a_post_stores_what_it_returns_and_nothing_else(service: Service) -> None:
    before = time.time_ns() // 1000
    answer = call(service)
    after = time.time_ns() // 1000
    assert answer.status == 201
    assert answer.headers == {"Content-Type": "application/json"}
    body = answer.json()
    assert set(body) == {"key", "epoch", "ip"} and uuid.UUID(body["key"]).version == 4
    assert before <= round(body["epoch"] * 1e6) <= after
    assert ipaddress.ip_address(body["ip"]) == ipaddress.ip_address("192.0.2.1")
    digits = json.loads(answer.body, parse_float=str, parse_int=str)["epoch"]
    record = {"key": {"S": body["key"]}, "epoch": {"N": digits}, "ip": {"S": "192.0.2.1"}}
    assert stored(service) == [record]


@pytest.mark.parametrize("microseconds", (0, 1, 500_000, 999_999))
def test_answer_item_and_repeat_have_the_same_digits(
    service: Service, time_machine: TimeMachineFixture, microseconds: int
) -> None:
    now = datetime.fromtimestamp(1_795_538_800, UTC) + timedelta(microseconds=microseconds)
    time_machine.move_to(now, tick=False)
    first, again = call(service, ONE), call(service, ONE)
    (item,) = stored(service)
    assert first.body == again.body and again.headers[REPLAYED] == "true"
    digits = json.loads(first.body, parse_float=str, parse_int=str)["epoch"]
    assert digits == item["epoch"]["N"] == str(dynamodb.number(digits))
    assert "." not in digits or not digits.endswith("0")  # DynamoDB would drop it
    assert round(float(digits) * 1e6) == 1_795_538_800_000_000 + microseconds


def test_repeats_get_the_first_answer_and_say_so(service: Service) -> None:
    first, *later = (call(service, ONE) for _ in range(3))
    assert first.status == 201 and REPLAYED not in first.headers
    for answer in later:
        assert answer.status == 201 and answer.body == first.body
        assert answer.headers[REPLAYED] == "true"
    assert len(stored(service)) == 1


def test_without_the_header_every_call_records_anew(service: Service) -> None:
    assert call(service).body != call(service).body and len(stored(service)) == 2


def test_two_api_keys_never_share_a_record(service: Service) -> None:
    mine, theirs = (call(service, ONE, api_key=key) for key in "ab")
    assert mine.json()["key"] != theirs.json()["key"]
    assert REPLAYED not in theirs.headers and len(stored(service)) == 2


def test_an_unchecked_api_key_is_no_caller(service: Service) -> None:
    answer = call(service, ONE | {"x-api-key": "made up"}, api_key="")
    assert answer.status == 403 and not stored(service)


@pytest.mark.parametrize("value", ("", "a" * 256, "a b", "\u00e9", "a, b"))
def test_a_bad_idempotency_key_is_a_problem_and_stores_nothing(
    service: Service, value: str
) -> None:
    answer = call(service, {"Idempotency-Key": value})
    assert answer.status == 400 and not stored(service)
    assert "1 to 255 visible ASCII characters" in answer.json()["detail"]


def test_without_an_address_nothing_is_stored(service: Service) -> None:
    assert call(service, ip="test-invoke-source-ip").status == 400 and not stored(service)


def test_a_body_is_never_stored_or_logged(service: Service) -> None:
    call(service, body="not json, but a-secret")
    assert len(stored(service)) == 1
    assert "a-secret" not in json.dumps([service.log, stored(service)])


def test_the_log_line_names_the_record_and_no_address(service: Service) -> None:
    call(service, {"X-Forwarded-For": "192.0.2.9"})
    (line,) = service.log
    assert line["key"] == stored(service)[0]["key"]["S"] and line["replayed"] is False
    assert line["route"] == "POST /epoch" and line["outcome"] == "success"
    assert "192.0.2." not in json.dumps(line)


def test_a_record_is_repeated_until_it_expires(
    service: Service, time_machine: TimeMachineFixture
) -> None:
    service.set(RETENTION_DAYS, 1)
    first, again = call(service, ONE), call(service, ONE)
    assert first.body == again.body and REPLAYED in again.headers
    later = int(time.time()) + 2 * dynamodb.SECONDS_PER_DAY
    time_machine.move_to(later, tick=False)
    again = call(service, ONE)
    (item,) = stored(service)
    assert REPLAYED not in again.headers
    assert int(item["expires"]["N"]) == later + dynamodb.SECONDS_PER_DAY


@pytest.mark.parametrize(
    ("faults", "statuses"),
    ((("drop",), (201, 201)), (("drop", "drop"), (503, 201)), (("throttled",) * 2, (503, 201))),
)
def test_a_lost_answer_is_one_record_and_no_repeat_of_itself(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    faults: tuple[str, ...],
    statuses: tuple[int, int],
) -> None:
    monkeypatch.setattr(limits, "READ_TIMEOUT_S", 5)
    table = fake_dynamodb.Table()
    with fake_dynamodb.storage(table, *faults) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
        first, again = call(service, ONE), call(service, ONE)
    assert (first.status, again.status) == statuses
    assert REPLAYED not in first.headers and len(table.items) == 1
    assert (REPLAYED in again.headers) == ("throttled" not in faults)
    assert list(table.items) == [again.json()["key"]]


def test_random_keys_differ_in_all_their_random_bits(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post_epoch.os, "urandom", lambda count: b"\xff" * count)
    call(service)
    (item,) = stored(service)
    assert item["key"]["S"] == "ffffffff-ffff-4fff-bfff-ffffffffffff"


def test_the_document_describes_the_contract() -> None:
    document = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))
    operation = document["paths"]["/epoch"]["post"]
    assert operation["operationId"] == "PostEpoch" and "requestBody" not in operation
    (scheme,) = operation["security"][0]
    assert document["components"]["securitySchemes"][scheme]["name"] == "x-api-key"
    (header,) = operation["parameters"]
    assert (header["name"], header["required"]) == ("Idempotency-Key", False)
    assert "255" in header["description"]
    answers = operation["responses"]
    assert set(answers) == {"201", "400", "403", "404", "405", "413", "429", "500", "503", "504"}
    assert answers["201"]["headers"]["Idempotency-Replayed"]["description"]
    reference = answers["201"]["content"]["application/json"]["schema"]["$ref"]
    schema = document["components"]["schemas"][reference.rsplit("/", 1)[1]]
    assert sorted(schema["required"]) == sorted(schema["properties"]) == ["epoch", "ip", "key"]


def test_a_running_stack_takes_a_request_with_its_key_only(running: RunningStack) -> None:
    assert uuid.UUID(running.call("POST", "/epoch").json()["key"])
    assert running.call("POST", "/epoch", api_key="").status == 403
