"""The resources of the API, the order of their changes, and the reasons for a deployment."""

import json
from functools import cache
from typing import Any

import pytest

from components import resource_prefix
from function.declare import registry
from function.declare.auth import Public
from function.declare.endpoint import Endpoint, Parameter, Response
from function.declare.schema import Raw
from local import pulumi_program, stack_files
from openapi import gateway
from tests.conftest import PLANS, STACK, declare, one, plain

PROJECT = stack_files.project_name()
NAMED = Parameter(name="Named", description="What it is.")
ENDPOINT = Endpoint(
    method="POST",
    path="/things",
    summary="Keep a thing.",
    handle=lambda _: Response(status=201, body={}),
    responses={201: {"title": "Thing", "type": "object"}},
    request_headers=(Parameter(name="Kind", description="Of which kind."),),
)


STACKS = stack_files.stacks()
API = "aws:apigateway/restApi:RestApi"
DEPLOYMENT = "aws:apigateway/deployment:Deployment"
STAGE = "aws:apigateway/stage:Stage"
VERSION = "aws:apigateway/documentationVersion:DocumentationVersion"


def body(resources: list[pulumi_program.Resource]) -> Any:
    """Return the document that is imported."""
    return json.loads(one(resources, API)["body"])


@cache
def plainly_served() -> list[pulumi_program.Resource]:
    """Return the declared resources if ENDPOINT is the only endpoint."""
    return served(ENDPOINT)


def served(*of: Endpoint[Any]) -> list[pulumi_program.Resource]:
    """Return the declared resources of these endpoints."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "load_endpoints", lambda: of)
        return pulumi_program.declared_resources(STACK, config=plain())


def test_the_api_repeats_the_binary_types_and_the_compression_of_its_document() -> None:
    settings = ("binaryMediaTypes", "minimumCompressionSize")
    assert not {*settings} & one(plainly_served(), API).keys()
    image = ENDPOINT._replace(responses={200: Raw("image/png")}, compress_from_bytes=500)
    binary = one(served(image), API)
    assert [binary[name] for name in settings] == [["*/*"], "500"]
    prefix = "x-amazon-apigateway"
    assert json.loads(binary["body"])[f"{prefix}-binary-media-types"] == ["*/*"]
    assert json.loads(binary["body"])[f"{prefix}-minimum-compression-size"] == 500


@pytest.mark.parametrize(
    "changes",
    (
        {"request_headers": (*ENDPOINT.request_headers, NAMED)},
        {"request_headers": (ENDPOINT.request_headers[0]._replace(required=True),)},
        {"query": (NAMED,)},
        {"response_headers": (NAMED,)},
        {"responses": {200: ENDPOINT.responses[201]}},
        {"responses": {201: {"title": "Other", "type": "object"}}},
        {"body": {"title": "Sent", "type": "object", "additionalProperties": False}},
        {"auth": Public()},
        {"cors": ("https://example.com",)},
        {"path": "/others"},
        {"method": "PUT"},
        {"summary": "Reworded."},
    ),
)
def test_any_change_of_the_document_is_deployed_and_documented(changes: dict[str, Any]) -> None:
    before, after = plainly_served(), served(ENDPOINT._replace(**changes))
    changed = {
        kind
        for kind in {resource.kind for resource in after if not resource.component}
        if [(r.name, r.inputs) for r in before if r.kind == kind and "assets" not in str(r.inputs)]
        != [(r.name, r.inputs) for r in after if r.kind == kind and "assets" not in str(r.inputs)]
    } - {"aws:lambda/function:Function"}
    # Version and stage follow by the deployment's id, which the recorder does not make anew.
    assert changed >= {API, DEPLOYMENT}
    if not {"path", "method"} & changes.keys():
        assert changed <= {API, DEPLOYMENT}


def test_what_an_endpoint_does_and_may_changes_nothing_of_the_api() -> None:
    before = plainly_served()
    after = served(ENDPOINT._replace(permissions=(), handle=lambda _: None))
    assert body(before) == body(after)
    assert one(before, DEPLOYMENT) == one(after, DEPLOYMENT)


def test_a_firewall_limits_addresses_and_applies_awss_rule_groups() -> None:
    firewall = one(declare(waf_rate_limit="1000"), "aws:wafv2/webAcl:WebAcl")
    first, *groups = firewall["rules"]
    assert first["statement"]["rateBasedStatement"]["limit"] == 1_000
    assert [group["name"] for group in groups] == ["ip-reputation", "known-bad-inputs"]


def test_one_more_endpoint_is_one_resource_its_alarm() -> None:
    more = ENDPOINT._replace(path="/more", method="DELETE")
    before = {resource.urn for resource in plainly_served()}
    added = [r for r in served(ENDPOINT, more) if r.urn not in before]
    assert [resource.kind for resource in added] == ["aws:cloudwatch/metricAlarm:MetricAlarm"]


@pytest.mark.conformance
def test_the_import_comes_before_the_deployment_and_that_before_the_stage() -> None:
    of_jobs = [resource for resource in declare() if "-job-" in resource.name]
    by_kind = {resource.kind: resource for resource in declare() if resource not in of_jobs}
    api, deployment, stage, version = (by_kind[k] for k in (API, DEPLOYMENT, STAGE, VERSION))
    permission = by_kind["aws:lambda/permission:Permission"]
    assert {api.urn, permission.urn} <= set(deployment.depends_on)
    assert {api.urn, deployment.urn} <= set(version.depends_on)
    assert {deployment.urn, version.urn} <= set(stage.depends_on)
    assert stage.inputs["documentationVersion"] == version.inputs["version"]
    assert version.inputs["version"] == stage.inputs["deployment"]


@pytest.mark.conformance
@pytest.mark.parametrize("stack", STACKS)
def test_what_the_document_says_of_the_api_is_given_as_its_arguments_too(stack: str) -> None:
    """The provider restores the value of its state, so one value stands in both places."""
    resources = declare(stack)
    api, document = one(resources, API), body(resources)
    assert api["name"] == document["info"]["title"]
    assert api["description"] == document["info"]["description"]
    for argument, extension in (
        ("apiKeySource", "api-key-source"),
        ("securityPolicy", "security-policy"),
        ("endpointAccessMode", "endpoint-access-mode"),
    ):
        assert api[argument] == document[f"x-amazon-apigateway-{extension}"]
    assert api["failOnWarnings"] is True and api["putRestApiMode"] == "overwrite"
    binary = document.get("x-amazon-apigateway-binary-media-types")
    assert api.get("binaryMediaTypes") == binary
    assert "x-amazon-apigateway-policy" not in document


@pytest.mark.conformance
@pytest.mark.parametrize("stack", STACKS)
def test_the_stage_tells_which_document_it_serves(stack: str) -> None:
    outputs = pulumi_program.run(pulumi_program.MockEngine(), stack=stack)
    resources = declare(stack)
    fingerprint = gateway.fingerprint_of(body(resources))
    assert outputs.values["api_document_hash"] == fingerprint
    assert one(resources, DEPLOYMENT)["triggers"] == {"document": fingerprint}


def test_the_stage_takes_what_its_keys_may_take_together() -> None:
    plan = PLANS["basic"]
    settings = one(declare(), "aws:apigateway/methodSettings:MethodSettings")["settings"]
    assert settings["throttlingRateLimit"] == plan["rate_limit"]
    assert settings["throttlingBurstLimit"] == plan["burst_limit"]
    two = {"api_keys": '{"one": "basic", "two": "basic"}'}
    settings = one(declare(**two), "aws:apigateway/methodSettings:MethodSettings")["settings"]
    assert settings["throttlingRateLimit"] == 2 * plan["rate_limit"]
    own = {"stage_throttle": '{"rate_limit": 7, "burst_limit": 8}'}
    settings = one(declare(**own), "aws:apigateway/methodSettings:MethodSettings")["settings"]
    assert (settings["throttlingRateLimit"], settings["throttlingBurstLimit"]) == (7, 8)


@pytest.mark.conformance
@pytest.mark.parametrize("stack", STACKS)
def test_api_gateway_may_invoke_one_alias_by_one_stage(stack: str) -> None:
    """Once for all routes: AWS limits a function's policy to 20 KB."""
    permission = one(declare(stack), "aws:lambda/permission:Permission", "-api")
    assert permission["qualifier"] == "live"
    api, _, scope = permission["sourceArn"].partition("/")
    assert api.endswith(f":{resource_prefix(PROJECT, stack)}") and scope == f"{stack}/*"


@pytest.mark.parametrize("stack", stack_files.stacks())
def test_the_access_log_joins_logs_and_traces_without_addresses(stack: str) -> None:
    resources = declare(stack)
    settings = one(resources, "aws:apigateway/stage:Stage")["accessLogSettings"]
    line = json.loads(settings["format"])
    assert {"apiRequestId", "lambdaRequestId", "traceId", "route", "status", "apiKeyId"} <= set(
        line
    )
    assert line["extendedRequestId"] == "$context.extendedRequestId"  # no caller can choose it
    assert "sourceIp" not in settings["format"]
    groups = {r.name for r in resources if r.kind == "aws:cloudwatch/logGroup:LogGroup"}
    assert settings["destinationArn"].rsplit(":", 1)[1] in groups


def test_a_change_of_import_again_imports_and_deploys_the_same_document_again() -> None:
    before, after = declare(), declare(import_again="true")
    api, again = (one(resources, "aws:apigateway/restApi:RestApi") for resources in (before, after))
    # The provider imports the body after a change of the parameters.
    assert again.pop("parameters") and again == api
    deployment = "aws:apigateway/deployment:Deployment"
    assert one(before, deployment)["triggers"] != one(after, deployment)["triggers"]
