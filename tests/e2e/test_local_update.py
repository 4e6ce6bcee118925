"""A running local stack after one update: its routes and its document."""

import json
from pathlib import Path

from tests.conftest import run_python

# Runs in a copy of the project, whose endpoint it changes; prints the state after each update.
USE = """
import json, pathlib, sys
from local import local_stack
module = pathlib.Path("function/endpoints/changed.py")
with local_stack.up("trial") as local:
    gateway = local.emulator.client("apigateway")
    (api,) = gateway.get_rest_apis()["items"]
    key = local.call().json()["id"]
    for source in json.loads(sys.stdin.read()):
        module.write_text(source) if source else module.unlink()
        local.update()
        export = gateway.get_export(restApiId=api["id"], stageName="trial", exportType="oas30")
        answers = [
            local.call(method=method, path=path + key).status
            for method, path in (("GET", "/things/"), ("PUT", "/things/"), ("GET", "/moved/"))
        ]
        said = json.loads(export["body"].read())["paths"]
        print(json.dumps([answers, {path: sorted(said[path])[0] for path in said}]))
"""
POST = {"/things": "post"}
READ = '''"""GET /things/{id}: read a thing."""

from function.runtime import dynamodb
from function.declare.endpoint import Response, Endpoint, Parameter, Request
from function.declare.permission import TablePermission
from function.declare.problem import Problem
from function.tables import THINGS


def read(request: Request) -> Response:
    """Return the thing of an id."""
    found = dynamodb.call("get_item", THINGS, Key={"id": {"S": request.path_parameters["id"]}})
    if "Item" not in found:
        raise Problem(404, "There is no such thing.")
    return Response(status=200, body={})


ENDPOINT = Endpoint(
    method="GET",
    path="/things/{id}",
    summary="Read a thing.",
    handle=read,
    responses={200: {"title": "Read", "type": "object"}},
    path_parameters=(Parameter(name="id", description="Which."),),
    permissions=(TablePermission(table=THINGS.name, actions=("dynamodb:GetItem",)),),
)
'''


def test_routes_are_right_after_one_update(specimen: Path) -> None:
    get = READ
    put = get.replace('method="GET"', 'method="PUT"')
    moved = get.replace("/things/{id}", "/moved/{id}")
    named = get.replace("{id}", "{key}").replace('name="id"', 'name="key"')
    named = named.replace('path_parameters["id"]', 'path_parameters["key"]')
    steps = (
        (get, [200, 405, 404], {"/things/{id}": "get"}),
        (put, [405, 200, 404], {"/things/{id}": "put"}),
        (moved, [404, 404, 200], {"/moved/{id}": "get"}),
        (get, [200, 405, 404], {"/things/{id}": "get"}),
        (named, [200, 405, 404], {"/things/{key}": "get"}),
        ("", [404, 404, 404], {}),
    )
    said = run_python(specimen, "-c", USE, sent=json.dumps([source for source, *_ in steps]))
    seen = [json.loads(line) for line in said.splitlines()]
    assert seen == [[answers, POST | documented] for _, answers, documented in steps]
