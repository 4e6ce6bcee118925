"""The contract of POST /epoch: the function as Lambda calls it, its document and its stacks."""

import ipaddress
import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from function.declare import limits
from function.endpoints import post_epoch
from function.runtime import api_handler, dynamodb
from function.tables import EPOCHS_TABLE
from local.stack_files import ROOT
from tests.fixtures import notes
from tests.fixtures.notes import CONTEXT, lines
from tools.reliability import fake_dynamodb

ONE = {"Idempotency-Key": "one"}
REPLAYED = "Idempotency-Replayed"


def call(headers: dict[str, str] | None = None, body: str = "", **identity: str) -> dict[str, Any]:
    """Return the function's response to POST /epoch."""
    event = {
        "httpMethod": "POST",
        "resource": "/epoch",
        "headers": headers or {},
        "body": body,
        "requestContext": {
            "requestId": "request",
            "identity": {"sourceIp": "192.0.2.1", "apiKeyId": "caller", **identity},
        },
    }
    return api_handler.handler(event, CONTEXT)


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """Give each test credentials and a client of its own."""
    with notes.credentials(**{EPOCHS_TABLE.env_var: "epochs"}):
        yield


@pytest.fixture
def table() -> Iterator[Any]:
    """Return a function that reads the items of a table in moto."""
    with notes.table_in_moto("epochs", EPOCHS_TABLE.partition_key) as items:
        yield items


def test_a_post_stores_what_it_returns_and_nothing_else(table: Any) -> None:
    before = time.time_ns() // 1000
    answer = call()
    after = time.time_ns() // 1000
    assert answer["statusCode"] == 201
    assert answer["headers"] == {"Content-Type": "application/json"}
    body = json.loads(answer["body"])
    assert set(body) == {"key", "epoch", "ip"} and uuid.UUID(body["key"]).version == 4
    assert before <= round(body["epoch"] * 1e6) <= after
    assert ipaddress.ip_address(body["ip"]) == ipaddress.ip_address("192.0.2.1")
    digits = json.loads(answer["body"], parse_float=str, parse_int=str)["epoch"]
    stored = {"key": {"S": body["key"]}, "epoch": {"N": digits}, "ip": {"S": "192.0.2.1"}}
    assert table() == [stored]


@pytest.mark.parametrize("microseconds", (0, 1, 500_000, 999_999))
def test_answer_item_and_repeat_have_the_same_digits(
    table: Any, monkeypatch: pytest.MonkeyPatch, microseconds: int
) -> None:
    now = (1_795_538_800_000_000 + microseconds) * 1000 + 999
    monkeypatch.setattr(post_epoch.time, "time_ns", lambda: now)
    first, again = call(ONE), call(ONE)
    (item,) = table()
    assert first["body"] == again["body"]
    digits = json.loads(first["body"], parse_float=str, parse_int=str)["epoch"]
    assert digits == item["epoch"]["N"] == str(dynamodb.number(digits))
    assert "." not in digits or not digits.endswith("0")  # DynamoDB would drop it
    assert round(float(digits) * 1e6) == now // 1000


def test_repeats_get_the_first_answer_and_say_so(table: Any) -> None:
    first, *later = (call(ONE) for _ in range(3))
    assert first["statusCode"] == 201 and REPLAYED not in first["headers"]
    for answer in later:
        assert answer["statusCode"] == 201 and answer["body"] == first["body"]
        assert answer["headers"][REPLAYED] == "true"
    assert len(table()) == 1


def test_without_the_header_every_call_records_anew(table: Any) -> None:
    assert call()["body"] != call()["body"] and len(table()) == 2


def test_two_api_keys_never_share_a_record(table: Any) -> None:
    mine, theirs = (call(ONE, apiKeyId=key) for key in "ab")
    assert json.loads(mine["body"])["key"] != json.loads(theirs["body"])["key"]
    assert REPLAYED not in theirs["headers"] and len(table()) == 2


def test_an_unchecked_api_key_is_no_caller(table: Any) -> None:
    answer = call(ONE | {"x-api-key": "made up"}, apiKeyId="")
    assert answer["statusCode"] == 403 and not table()


@pytest.mark.parametrize("value", ("", "a" * 256, "a b", "\u00e9", "a, b"))
def test_a_bad_idempotency_key_is_a_problem_and_stores_nothing(table: Any, value: str) -> None:
    answer = call({"Idempotency-Key": value})
    assert answer["statusCode"] == 400 and not table()
    assert "1 to 255 visible ASCII characters" in json.loads(answer["body"])["detail"]


def test_without_an_address_nothing_is_stored(table: Any) -> None:
    assert call(sourceIp="test-invoke-source-ip")["statusCode"] == 400 and not table()


def test_a_body_is_never_stored_or_logged(table: Any) -> None:
    written = lines(lambda: call(body="not json, but a-secret"))
    assert len(table()) == 1 and "a-secret" not in json.dumps([written, table()])


def test_the_log_line_names_the_record_and_no_address(table: Any) -> None:
    (line,) = lines(lambda: call({"X-Forwarded-For": "192.0.2.9"}))
    assert line["key"] == table()[0]["key"]["S"] and line["replayed"] is False
    assert line["route"] == "POST /epoch" and line["outcome"] == "success"
    assert "192.0.2." not in json.dumps(line)


def test_an_expired_record_is_recorded_anew(table: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTING_RETENTION_DAYS", "1")
    call(ONE)
    later = post_epoch.time.time_ns() + 2 * dynamodb.SECONDS_PER_DAY * 10**9
    monkeypatch.setattr(post_epoch.time, "time_ns", lambda: later)
    again = call(ONE)
    (item,) = table()
    assert REPLAYED not in again["headers"]
    assert int(item["expires"]["N"]) == later // 10**9 + dynamodb.SECONDS_PER_DAY


def test_before_it_expires_a_record_is_repeated(
    table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SETTING_RETENTION_DAYS", "1")
    first, again = call(ONE), call(ONE)
    assert first["body"] == again["body"] and REPLAYED in again["headers"] and len(table()) == 1


@pytest.mark.parametrize(
    ("faults", "statuses"),
    ((("drop",), (201, 201)), (("drop", "drop"), (503, 201)), (("throttled",) * 2, (503, 201))),
)
def test_a_lost_answer_is_one_record_and_no_repeat_of_itself(
    monkeypatch: pytest.MonkeyPatch, faults: tuple[str, ...], statuses: tuple[int, int]
) -> None:
    monkeypatch.setattr(limits, "READ_TIMEOUT_S", 5)
    stored = fake_dynamodb.Table()
    with fake_dynamodb.storage(stored, *faults) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
        first, again = call(ONE), call(ONE)
    assert (first["statusCode"], again["statusCode"]) == statuses
    assert REPLAYED not in first["headers"] and len(stored.items) == 1
    assert (REPLAYED in again["headers"]) == ("throttled" not in faults)
    assert list(stored.items) == [json.loads(again["body"])["key"]]


def test_two_calls_in_one_microsecond_are_still_a_call_and_a_repeat(
    table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post_epoch.time, "time_ns", lambda: 1_795_538_800_123_456_789)
    call(ONE)
    assert call(ONE)["headers"][REPLAYED] == "true" and len(table()) == 1


def test_random_keys_differ_in_all_their_random_bits(
    table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post_epoch.os, "urandom", lambda count: b"\xff" * count)
    call()
    (item,) = table()
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
