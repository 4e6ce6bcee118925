"""POST /things: keep a thing under an id of its own."""

import os

from function.runtime import dynamodb
from function.declare.permission import Access
from function.declare.endpoint import Answer, Endpoint, Request, Sample
from function.tables import THINGS


def keep(_: Request) -> Answer:
    """Store a thing."""
    thing = os.urandom(8).hex()
    dynamodb.call("put_item", THINGS, Item={"id": {"S": thing}})
    return Answer(status=201, body={"id": thing})


ENDPOINT = Endpoint(
    method="POST",
    path="/things",
    summary="Keep a thing.",
    handle=keep,
    answers={
        201: {"title": "Thing", "type": "object", "properties": {"id": {"type": "string"}}},
    },
    access=(Access(table=THINGS.name, actions=("dynamodb:PutItem",)),),
    sample=Sample(),
)
