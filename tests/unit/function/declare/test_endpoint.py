"""Endpoints that API Gateway would refuse, and endpoints that conflict, are refused."""

from typing import Any

import pytest

from function.declare.endpoint import Parameter
from function.declare.errors import DeclarationError
from function.declare.permission import TablePermission
from function.declare.registry import validate_endpoints
from tests.fixtures import notes


def _parameter(name: str) -> Parameter:
    return Parameter(name=name, description="What it is.")


def _access(action: str) -> TablePermission:
    return TablePermission(table="notes", actions=(action,))


@pytest.mark.parametrize(
    ("changes", "says"),
    (
        ({"method": "FETCH"}, "method: 'FETCH' is not one of"),
        ({"path": "/notes/"}, "path: .* is not /segments"),
        ({"path": "notes"}, "path: .* is not /segments"),
        ({"path": "/.."}, "path: .* is not /segments"),
        ({"path": "/notes/{id+}/tail"}, "path: .* is not /segments"),
        ({"path": "/a b"}, "path: .* is not /segments"),
        ({"method": "PUT", "body": {"title": "Note"}}, "body must be a type, such as a msgspec"),
        ({"path": "/ping"}, "path: .* is not /segments"),
        ({"path": "/{a}/{a}"}, "path_parameters must describe"),
        ({"path": "/{other}"}, "path_parameters must describe"),
        ({"summary": " "}, "summary is missing"),
        ({"responses": {}}, "responses is missing"),
        ({"responses": {404: {"type": "object"}}}, "responses must map"),
        ({"responses": {299: {"type": "object"}}}, "responses must map"),
        ({"request_headers": (_parameter("a b"),)}, "name: 'a b' is not letters"),
        ({"query": (_parameter("a:b"),)}, "name: 'a:b' is not letters"),
        ({"query": (Parameter(name="a", description=""),)}, "description is missing"),
        ({"permissions": (_access("GetItem"),)}, "not one of DynamoDB's actions"),
        ({"permissions": (_access("dynamodb:PutItm"),)}, "not one of DynamoDB's actions"),
        ({"permissions": (_access("dynamodb:*"),)}, "not one of DynamoDB's actions"),
        ({"permissions": (TablePermission(table="notes", actions=()),)}, "actions is missing"),
    ),
)
def test_an_invalid_endpoint_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(DeclarationError, match=says):
        validate_endpoints({"one": notes.endpoint(**changes)})


def test_conflicting_endpoints_are_refused() -> None:
    with pytest.raises(DeclarationError, match=r"s/b.py: GET .* twice, also in \S+/a.py"):
        validate_endpoints({"a": notes.endpoint(), "b": notes.endpoint()})
    with pytest.raises(DeclarationError, match="already"):
        other = (_parameter("other"),)
        validate_endpoints(
            {
                "a": notes.endpoint(),
                "b": notes.endpoint(path="/notes/{other}/x", path_parameters=other),
            }
        )
    with pytest.raises(DeclarationError, match="too like"):
        flat = {"path_parameters": ()}
        put = notes.endpoint(path="/a/b", method="PUT", **flat)
        validate_endpoints({"a": notes.endpoint(path="/a-b", **flat), "b": put})
    with pytest.raises(DeclarationError, match="unknown table"):
        validate_endpoints(
            {
                "a": notes.endpoint(
                    permissions=(TablePermission(table="x", actions=("dynamodb:GetItem",)),)
                )
            }
        )


def test_a_fixed_part_and_a_parameter_may_stand_in_the_same_place() -> None:
    fixed = notes.endpoint(path="/notes/latest", path_parameters=())
    assert {
        endpoint.operation_id
        for endpoint in validate_endpoints({"a": notes.endpoint(), "b": fixed})
    } == {*("GetNotesById", "GetNotesLatest")}
