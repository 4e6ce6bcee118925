"""What the API declares to be served and documented, and when that counts as a change."""

from typing import Any

import pytest

from function import endpoints
from function.contract import Endpoint, Parameter
from function.endpoints import post_epoch
from local import program
from tests.conftest import declare, one

NAMED = Parameter(name="Named", description="What it is.")


def state(*served: Endpoint) -> tuple[Any, str]:
    """Return the deployment's trigger and the stage's documentation version."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(endpoints, "declared", lambda: served)
        resources = program.declare("prod", preview=True)
    trigger = one(resources, "aws:apigateway/deployment:Deployment")["triggers"]["routes"]
    version = one(resources, "aws:apigateway/documentationVersion:DocumentationVersion")
    return trigger, version["version"]


@pytest.fixture(name="before", scope="module")
def _before() -> tuple[Any, str]:
    return state(post_epoch.ENDPOINT)


@pytest.mark.parametrize(
    "changes",
    (
        {"headers": (*post_epoch.ENDPOINT.headers, NAMED)},
        {"headers": (post_epoch.ENDPOINT.headers[0]._replace(required=True),)},
        {"query": (NAMED,)},
        {"answer_headers": (NAMED,)},
        {"answers": {200: post_epoch.ENDPOINT.answers[201]}},
        {"answers": {201: {"type": "object"}}},
        {"path": "/epochs"},
        {"method": "PUT"},
    ),
)
def test_what_is_served_changes_the_trigger(
    before: tuple[Any, str], changes: dict[str, Any]
) -> None:
    assert state(post_epoch.ENDPOINT._replace(**changes))[0] != before[0]


def test_words_change_the_documentation_and_not_the_trigger(before: tuple[Any, str]) -> None:
    served = post_epoch.ENDPOINT
    header = served.headers[0]._replace(description="Reworded.")
    trigger, version = before
    for reworded in (served._replace(summary="Reworded."), served._replace(headers=(header,))):
        again = state(reworded)
        assert again[0] == trigger and again[1] != version
    assert state(served) == before


def test_what_an_endpoint_does_and_may_changes_neither(before: tuple[Any, str]) -> None:
    assert state(post_epoch.ENDPOINT._replace(access=(), handle=lambda _: None)) == before


def test_the_documentation_version_comes_after_its_parts_and_the_stage_after_it() -> None:
    resources = declare("prod")
    by_kind = {resource.kind: resource for resource in resources}
    version = by_kind["aws:apigateway/documentationVersion:DocumentationVersion"]
    stage = by_kind["aws:apigateway/stage:Stage"]
    parts = {
        resource.urn
        for resource in resources
        if resource.kind == "aws:apigateway/documentationPart:DocumentationPart"
    }
    assert parts and parts <= set(version.depends_on)
    assert version.urn in stage.depends_on
    assert stage.inputs["documentationVersion"] == version.inputs["version"]


def test_the_deployment_waits_for_all_that_is_served() -> None:
    resources = declare("prod")
    served = {
        f"aws:apigateway/{kind}"
        for kind in (
            *("integration:Integration", "method:Method", "methodResponse:MethodResponse"),
            *("model:Model", "resource:Resource", "response:Response"),
        )
    }
    (deployment,) = (r for r in resources if r.kind == "aws:apigateway/deployment:Deployment")
    assert {r.urn for r in resources if r.kind in served} <= set(deployment.depends_on)
