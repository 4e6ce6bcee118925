"""This function with an endpoint that takes tokens, after API Gateway has asked the authorizer."""

import json

from event import CONTEXT, EVENT
from function.runtime.api_handler import handler

_CLAIMS = {"iss": "https://login.example.com", "aud": "shop", "sub": "alice", "exp": 2**40}
_AUTHORIZER = {
    "principalId": "https://login.example.com#alice",
    "claims": json.dumps(_CLAIMS),
    "scopes": "epochs/read epochs/write",
}
_EVENT = {
    **EVENT,
    "resource": "/jwt",
    "requestContext": {**EVENT["requestContext"], "authorizer": _AUTHORIZER},
}


def call():
    """Answer one event."""
    response = handler(_EVENT, CONTEXT)
    return response["statusCode"], response["body"]
