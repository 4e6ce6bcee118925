"""POST /things: keep a thing under an id of its own."""

import os

from function import storage
from function.contract import Access, Answer, Endpoint, Request, Sample
from function.tables import THINGS


def keep(_: Request) -> Answer:
    """Store a thing."""
    thing = os.urandom(8).hex()
    storage.call("put_item", THINGS, Item={"id": {"S": thing}})
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
