"""The running whole on a DynamoDB that fails: 503 or 201, never two items, never a leak."""

import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping

import pytest

from local.deploy import LocalStack
from tests import faulty

PROBLEM = {"type", "title", "status", "detail", "requestId"}


@pytest.fixture(scope="module")
def between(local: LocalStack) -> Iterator[faulty.Storage]:
    """Put a storage that can fail between the function and the emulator's DynamoDB."""

    def forward(headers: Mapping[str, str], body: bytes) -> faulty.Reply:
        sent = {name: value for name, value in headers.items() if name != "Content-Length"}
        request = urllib.request.Request(local.emulator.url, body, sent)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, answer.read()

    client, name = local.emulator.client("lambda"), local.outputs["function_name"]
    (alias,) = client.list_aliases(FunctionName=name)["Aliases"]
    settings = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    with faulty.storage(forward, delay_s=2.5) as server:
        client.update_function_configuration(
            FunctionName=name,
            Environment={"Variables": settings | {"AWS_ENDPOINT_URL_DYNAMODB": server.url}},
        )
        version = client.publish_version(FunctionName=name)["Version"]
        client.update_alias(FunctionName=name, Name=alias["Name"], FunctionVersion=version)
        yield server
        client.update_alias(
            FunctionName=name, Name=alias["Name"], FunctionVersion=alias["FunctionVersion"]
        )
        client.update_function_configuration(FunctionName=name, Environment={"Variables": settings})


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
    local: LocalStack, between: faulty.Storage, faults: list[str], status: int, written: int
) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    before = len(local.items())
    between.faults = list(faults)
    reply = local.call(key)
    assert reply.status == status and not between.faults
    assert len(local.items()) - before == written
    assert faulty.SECRET not in reply.body
    if status == 201:
        assert "Idempotency-Replayed" not in reply.headers
    else:
        assert set(reply.json()) == PROBLEM and reply.json()["status"] == status
        assert reply.headers.get("Retry-After") == ("1" if status == 503 else None)
    again = local.call(key)
    assert again.status == 201 and len(local.items()) - before == 1
    assert ("Idempotency-Replayed" in again.headers) == bool(written)
