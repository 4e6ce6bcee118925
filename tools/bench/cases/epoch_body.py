"""This function with an endpoint that declares a body."""

from event import CONTEXT, EVENT
from function.runtime.api_handler import handler

_HEADERS = {**EVENT["multiValueHeaders"], "Content-Type": ["application/json"]}
_EVENT = {
    **EVENT,
    "resource": "/body",
    "multiValueHeaders": _HEADERS,
    "body": '{"title": "A note", "tags": ["one", "two"], "count": 2}',
}


def call():
    """Answer one event."""
    response = handler(_EVENT, CONTEXT)
    return response["statusCode"], response["body"]
