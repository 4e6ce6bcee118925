"""The event of a proxy integration has repeated parameters and headers as on AWS."""

import asyncio
from typing import Any

from ministack.services import apigateway_v1

from emulator.api_gateway import proxy_event

RESOURCE = {"id": "r", "path": "/things", "resourceMethods": {"GET": {"apiKeyRequired": False}}}


def _event(query: dict[str, list[str]], sent: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    """Return the event for a request, whose headers MiniStack has joined."""
    joined: dict[str, str] = {}
    for name, value in sent:
        key = name.decode()
        joined[key] = f"{joined[key]}, {value.decode()}" if key in joined else value.decode()
    events = []

    async def serve(*_: Any) -> None:
        request = ("a", "live", {}, RESOURCE, "/things", "GET", joined, b"", query, {})
        build = apigateway_v1._build_lambda_event_v1
        events.append(proxy_event._build_event(build, *request))

    asyncio.run(proxy_event._app(serve, {"headers": sent}, None, None))
    return events[0]


def test_repeated_parameter_has_its_last_value_and_all_values() -> None:
    event = _event({"tag": ["1", "", "3"], "page": ["2"]}, [])
    assert event["queryStringParameters"] == {"tag": "3", "page": "2"}
    assert event["multiValueQueryStringParameters"] == {"tag": ["1", "", "3"], "page": ["2"]}
    assert _event({}, [])["queryStringParameters"] is None


def test_repeated_header_has_its_last_value_and_all_values() -> None:
    sent = [
        (b"accept", b"text/html"),
        (b"host", b"h"),
        (b"accept", b"text/plain, */*"),
        (b"x-forwarded-for", b"192.0.2.1"),
        (b"x-forwarded-for", b"192.0.2.2"),
    ]
    event = _event({}, sent)
    forwarded = "192.0.2.1, 192.0.2.2, 127.0.0.1"
    assert event["headers"] == {
        "accept": "text/plain, */*",
        "host": "h",
        "X-Forwarded-For": forwarded,
    }
    assert event["multiValueHeaders"] == {
        "accept": ["text/html", "text/plain, */*"],
        "host": ["h"],
        "X-Forwarded-For": [forwarded],
    }
