"""This function, as Lambda calls it: tracing and logs on."""

from event import CONTEXT, EVENT
from function.runtime.api_handler import handler


def call():
    """Answer one event."""
    response = handler(EVENT, CONTEXT)
    return response["statusCode"], response["body"]
