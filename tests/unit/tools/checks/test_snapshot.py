"""Everything that the stacks declare, compared with the snapshot that was reviewed."""

import difflib
import json
import re
from dataclasses import replace
from typing import Any

import pytest
import yaml

import function.declare.registry
from function.declare.endpoint import Endpoint, Parameter
from function.declare.permission import TablePermission
from function.declare.registry import load_endpoints, load_tables
from local import pulumi_program, stack_files
from local.pulumi_program import Resource
from tests.conftest import declare
from tools.checks import snapshot


def _declared() -> dict[str, list[Resource]]:
    return {stack: pulumi_program.declared_resources(stack) for stack in stack_files.stacks()}


def _difference(before: str, after: str) -> str:
    lines = before.splitlines(), after.splitlines()
    return "\n".join(difflib.unified_diff(*lines, "reviewed", "declared", lineterm="", n=0))


@pytest.mark.conformance
def test_the_stacks_declare_what_the_snapshot_shows() -> None:
    reviewed = snapshot.PATH.read_text(encoding="utf-8")
    change = _difference(reviewed, snapshot.text(_declared()))
    assert not change, f"`make snapshot` takes this change over:\n{change}"


def test_a_secret_is_marked_and_never_written() -> None:
    (key,) = [r for r in declare() if r.kind.endswith(":ApiKey")]
    hidden = replace(key, inputs={"value": "hush"}, secret=frozenset({"value"}))
    text = snapshot.text({"trial": [hidden]})
    assert "value: (secret)" in text and "hush" not in text


@pytest.mark.conformance
def test_two_resources_never_share_an_entry() -> None:
    resources = [r for r in declare() if not r.component]
    text = snapshot.text({"trial": resources})
    entries = [line for line in text.splitlines() if re.match("  aws:.*(?<!given\\)):$", line)]
    assert len(entries) == len(resources)


def _resource(stack: str, kind: str = "aws:a/b:B", **inputs: Any) -> Resource:
    parent = f"urn:pulumi:{stack}::shop::epoch:EpochThing::shop-{stack}-thing"
    return Resource(kind=kind, name=f"shop-{stack}-thing", urn="urn", parent=parent, inputs=inputs)


def test_the_snapshot_writes_what_the_stacks_share_once_and_names_a_differing_stack() -> None:
    one = _resource("trial", name="shop-trial", stage="trial", size=1, files=["a"], tags={"a": "b"})
    two = _resource("live", name="shop-live", stage="live", size=2, files=["a", "b"], tags={})
    text = snapshot.text({"trial": [one], "live": [two]})
    assert yaml.safe_load(text) == {
        "EpochThing <project>-<stack>-thing": {
            "aws:a/b:B <project>-<stack>-thing": {
                "name": "<project>-<stack>",
                "stage": "<stack>",
                "size (trial)": 1,
                "size (live)": 2,
                "files": ["a", "b (live)"],
                "tags": {"a (trial)": "b"},
            }
        }
    }


@pytest.mark.parametrize(
    "change",
    (
        lambda body: body["paths"].popitem(),
        lambda body: next(iter(body["paths"].values())).popitem(),
        lambda body: body["components"]["schemas"]["Problem"].update(title="Other"),
        lambda body: body.update({"x-amazon-apigateway-api-key-source": "AUTHORIZER"}),
        lambda body: body["x-amazon-apigateway-documentation"]["documentationParts"].pop(),
    ),
)
def test_every_part_of_the_api_document_is_in_its_summary(change: Any) -> None:
    (api,) = [r for r in declare() if r.kind == "aws:apigateway/restApi:RestApi"]
    body = json.loads(api.inputs["body"])
    change(body)
    changed = replace(api, inputs=api.inputs | {"body": json.dumps(body)})
    before, after = (snapshot.text({"trial": [r]}) for r in (api, changed))
    assert before != after


@pytest.mark.conformance
def test_an_endpoint_adds_thirty_lines_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = load_tables().values()
    permissions = tuple(TablePermission(t.name, ("dynamodb:GetItem",)) for t in [*tables][:1])
    added = Endpoint(
        method="GET",
        path="/added/{key}",
        summary="Read what was added.",
        handle=print,  # type: ignore[arg-type]
        responses={200: {"title": "Added", "type": "object"}},
        path_parameters=(Parameter(name="key", description="Its key."),),
        permissions=permissions,
    )
    before = snapshot.PATH.read_text(encoding="utf-8")
    endpoints = (*load_endpoints(), added)
    monkeypatch.setattr(function.declare.registry, "load_endpoints", lambda: endpoints)
    change = _difference(before, snapshot.text(_declared()))
    lines = [line for line in change.splitlines()[2:] if line.startswith("+")]
    assert any("/added/{key}: [GET aws_proxy with key" in line for line in lines), change
    assert len(lines) < 30, change  # its module in the bundle is one more
