"""Sample calls: the shown one, its outputs, and the refused ones."""

from typing import Any

import msgspec
import pytest

import function.declare.registry
import function.endpoints  # noqa: F401
import function.tables
from function.declare.auth import Jwt, Public
from function.declare.endpoint import Endpoint, Parameter, Response, SampleRequest
from function.declare.errors import DeclarationError
from function.declare.permission import TablePermission
from function.declare.registry import validate_endpoints
from function.declare.table import Table
from local import pulumi_program, stack_files
from openapi import samples
from openapi.document import api_info, build

READ = Endpoint(
    method="GET",
    path="/things/{id}",
    summary="Read.",
    handle=lambda _: Response(status=204, body=None),
    responses={204: None},
    query=(Parameter(name="at", description="When."),),
    path_parameters=(Parameter(name="id", description="Which."),),
    sample=SampleRequest(path_parameters={"id": "a/b"}, query={"at": ("1 2", "3")}),
)


def _outputs(*endpoints: Endpoint[Any]) -> pulumi_program.Properties:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(function.declare.registry, "load_endpoints", lambda: endpoints)
        return pulumi_program.run(pulumi_program.MockEngine(), stack=stack_files.stacks()[0]).values


def test_the_outputs_name_the_sample_that_writes_and_its_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = Table(name="kept", partition_key="id")
    monkeypatch.setattr(function.tables, "KEPT", kept, raising=False)
    put = (TablePermission(table=kept.name, actions=("dynamodb:PutItem",)),)
    write = READ._replace(method="DELETE", path="/things", permissions=put)
    write = write._replace(path_parameters=(), query=(), sample=SampleRequest())
    both = _outputs(READ, write)
    assert both["sample_url"] == f"{both['api_url']}/things"
    assert both["table_name"].endswith("-kept")


def test_without_a_table_the_output_is_the_sample_alone() -> None:
    found = _outputs(READ)
    assert found["sample_url"] == f"{found['api_url']}/things/a%2Fb?at=1+2&at=3"
    assert found["table_name"] == ""


def test_without_a_sample_the_output_is_the_apis_url() -> None:
    found = _outputs(READ._replace(sample=None))
    assert found["sample_url"] == found["api_url"] and found["table_name"] == ""
    assert samples.default_sample([READ._replace(sample=None)]) is None


def test_the_command_that_makes_the_call_is_one_to_paste() -> None:
    assert samples.curl(READ, "https://a.example/dev", "it") == (
        "curl -X GET -H 'x-api-key: it' 'https://a.example/dev/things/a%2Fb?at=1+2&at=3'"
    )
    body = {"type": "object", "title": "Thing"}
    put = READ._replace(method="PUT", path="/a", query=(), path_parameters=(), auth=Public())
    put = put._replace(body=body, sample=SampleRequest(body={"its": "own"}))
    assert samples.curl(put, "https://a.example/dev", "it") == (
        """curl -X PUT -d '{"its": "own"}' -H 'Content-Type: application/json' """
        "https://a.example/dev/a"
    )


def test_the_command_asks_for_a_token_where_an_issuer_gives_one() -> None:
    users = READ._replace(auth=Jwt("https://a.example", "shop"), scopes=("read", "write"))
    command = samples.curl(users, "https://a.example/dev", "it")
    assert "x-api-key" not in command
    assert command.endswith(
        """ -H "Authorization: Bearer $(make -s token 'ARGS=--auth jwt '"'"'scope=read write'"'"'')\""""
    )


def test_the_key_in_the_outputs_is_one_that_exists_though_no_endpoint_asks_for_it() -> None:
    found = _outputs(READ._replace(auth=Public()))
    assert found["default_api_key"] in found["api_keys"].values()


@pytest.mark.parametrize(
    ("sample", "says"),
    (
        (SampleRequest(), "path_parameters must have a value for each of: id"),
        (READ.sample._replace(body={}), "it must have a body if the endpoint declares one"),
    ),
)
def test_a_sample_that_the_endpoint_would_refuse_is_refused(
    sample: SampleRequest, says: str
) -> None:
    with pytest.raises(DeclarationError, match=f"sample: {says}"):
        validate_endpoints({"get_things": READ._replace(sample=sample)})


class _Thing(msgspec.Struct, forbid_unknown_fields=True):
    size: int


@pytest.mark.parametrize(
    ("body", "says"),
    (
        ({"size": "1"}, "The body is not as documented: "),
        ({}, "The body is not as documented: "),
        ({"size": _Thing}, "Object of type StructMeta is not JSON serializable"),
        ({"size": 1}, ""),
    ),
)
def test_a_samples_body_is_one_that_the_endpoint_would_take(
    body: dict[str, Any], says: str
) -> None:
    put = READ._replace(method="PUT", path="/a", query=(), path_parameters=(), body=_Thing)
    put = put._replace(sample=SampleRequest(body=body))
    if not says:
        assert "/a" in build((put,), api_info("1.0.0"))["paths"]
        return
    with pytest.raises(DeclarationError, match=f"PUT /a: sample: {says}"):
        build((put,), api_info("1.0.0"))


@pytest.mark.parametrize("paths", ((), ("/{code}",), ("/{a}", "/{a}/{b}"), ("/orders/{id}/lines",)))
def test_no_legal_set_of_routes_serves_the_unknown_path(paths: tuple[str, ...]) -> None:
    declared = [READ._replace(path=path) for path in paths]
    unknown = samples.unknown_path(declared).split("/")
    served = [path.split("/") for path in paths]
    assert len(unknown) > 1 and not any(len(segments) == len(unknown) for segments in served)
