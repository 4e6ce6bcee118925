"""POST /things: keep a thing under an id of its own."""

import os

from function.runtime import dynamodb
from function.declare.permission import TablePermission
from function.declare.endpoint import Response, Endpoint, Request, SampleRequest
from function.tables import THINGS


def keep(_: Request) -> Response:
    """Store a thing."""
    thing = os.urandom(8).hex()
    dynamodb.call("put_item", THINGS, Item={"id": {"S": thing}})
    return Response(status=201, body={"id": thing})


ENDPOINT = Endpoint(
    method="POST",
    path="/things",
    summary="Keep a thing.",
    handle=keep,
    responses={
        201: {"title": "Thing", "type": "object", "properties": {"id": {"type": "string"}}},
    },
    permissions=(TablePermission(table=THINGS.name, actions=("dynamodb:PutItem",)),),
    sample=SampleRequest(),
)
