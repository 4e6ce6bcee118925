"""Endpoints that API Gateway would refuse, and endpoints that conflict, are refused."""

import re
from typing import Any

import pytest

from function.declare.endpoint import Endpoint, Parameter
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
        *(
            ({"path": path}, f"path: '{re.escape(path)}' is not /segments")
            for path in ("/notes/", "notes", "/..", "/notes/{id+}/tail", "/a b", "/ping", "/sping")
        ),
        ({"method": "PUT", "body": {"title": "Note"}}, "body must be a type, such as a msgspec"),
        ({"path": "/{a}/{a}"}, "path_parameters must describe"),
        ({"path": "/{other}"}, "path_parameters must describe"),
        ({"summary": " "}, "summary is missing"),
        ({"responses": {}}, "responses is missing"),
        ({"responses": {404: {"type": "object"}}}, "responses must map"),
        ({"responses": {299: {"type": "object"}}}, "responses must map"),
        ({"request_headers": (_parameter("a b"),)}, "name: 'a b' is not letters"),
        ({"query": (_parameter("a:b"),)}, "name: 'a:b' is not letters"),
        ({"query": (Parameter(name="a", description=""),)}, "description is missing"),
        *(
            ({"permissions": (_access(action),)}, "not one of DynamoDB's actions")
            for action in ("GetItem", "dynamodb:PutItm", "dynamodb:*")
        ),
        ({"permissions": (TablePermission(table="notes", actions=()),)}, "actions is missing"),
    ),
)
def test_an_invalid_endpoint_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(DeclarationError, match=says):
        validate_endpoints({"one": notes.endpoint(**changes)})


def _put(path: str, *parameters: str) -> Endpoint[Any]:
    return notes.endpoint(method="PUT", path=path, path_parameters=(*map(_parameter, parameters),))


@pytest.mark.parametrize(
    ("one", "other", "says"),
    (
        (_put("/a"), _put("/a"), r"s/b.py: PUT /a: the route is declared twice, also in \S+/a.py"),
        (_put("/a/{b}", "b"), _put("/a/{c}/x", "c"), r"/a/\{c\} is already /a/\{b\}"),
        (_put("/a-b"), _put("/a/b"), "/a/b is too like /a-b"),
    ),
)
def test_conflicting_endpoints_are_refused(
    one: Endpoint[Any], other: Endpoint[Any], says: str
) -> None:
    with pytest.raises(DeclarationError, match=says):
        validate_endpoints({"a": one, "b": other})


def test_a_fixed_part_and_a_parameter_may_stand_in_the_same_place() -> None:
    endpoints = validate_endpoints({"a": _put("/a/{b}", "b"), "b": _put("/a/c")})
    assert [one.operation_id for one in endpoints] == ["PutAC", "PutAByB"]
