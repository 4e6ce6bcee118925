"""POST /epoch behind a proxy, and with a retention."""

from collections.abc import Iterator

import pytest

from local import local_stack
from tests.conftest import STACK, keys

pytestmark = pytest.mark.process


@pytest.fixture(name="tuned", scope="module")
def _tuned() -> Iterator[local_stack.LocalStack]:
    with local_stack.up(STACK, config=keys(trusted_proxy_count="1", retention_days="30")) as stack:
        yield stack


def test_behind_a_proxy_its_word_is_believed_and_no_more(tuned: local_stack.LocalStack) -> None:
    # The client wrote the first address, the proxy the second.
    answer = tuned.call({"X-Forwarded-For": "198.51.100.1, 2001:db8::7"}).json()
    assert answer["ip"] == "2001:db8::7"
    assert {"S": answer["ip"]} in [item["ip"] for item in tuned.items()]
    assert tuned.call().json()["ip"] == "127.0.0.1"


def test_with_a_retention_a_record_says_when_it_expires(tuned: local_stack.LocalStack) -> None:
    answer = tuned.call().json()
    (item,) = [item for item in tuned.items() if item["key"] == {"S": answer["key"]}]
    assert int(item["expires"]["N"]) == int(answer["epoch"]) + 30 * 86_400
