"""The program as Terraform JSON, which the scan reads."""

from collections.abc import Mapping
from typing import Any

import pytest

from function.declare.job import Job
from local import pulumi_program
from local.pulumi_program import Resource
from tests.conftest import NAME, STACK, plain
from tools.checks import terraform_json

TABLE = "aws:dynamodb/table:Table"


@pytest.fixture(name="declared")
def _declared(jobs: Mapping[str, Job]) -> list[Resource]:
    assert jobs
    return pulumi_program.declared_resources(STACK, config=plain())


@pytest.mark.conformance
def test_the_scan_knows_what_jobs_declare(declared: list[Resource]) -> None:
    kinds = {"aws_lambda_event_source_mapping", "aws_scheduler_schedule", "aws_sqs_queue"}
    assert kinds <= {name.removesuffix(".tf.json") for name in terraform_json.render(declared)}


def _resource(kind: str, **inputs: Any) -> Resource:
    return Resource(
        kind=kind,
        name="thing",
        urn=f"epoch:components:EpochThing${kind}",
        parent="parent",
        inputs=inputs,
    )


@pytest.mark.parametrize(
    ("resources", "says"),
    (
        ([_resource(TABLE, colour="red")], r"\(thing\): the AWS provider has no property colour"),
        (
            [_resource(TABLE, attributes=[{"name": "key", "kind": "S"}])],
            r"\(thing\).attributes: the AWS provider has no property kind",
        ),
        ([_resource(TABLE), _resource(TABLE)], "another resource has this type and name"),
    ),
)
def test_what_the_rendering_does_not_know_is_an_error(resources: list[Resource], says: str) -> None:
    with pytest.raises(terraform_json.RenderError, match=says):
        terraform_json.render(resources)


def test_properties_get_their_names_in_terraform() -> None:
    table = _resource(
        TABLE,
        attributes=[{"name": "key", "type": "S"}],
        globalSecondaryIndexes=[{"name": "byKey", "projectionType": "ALL"}],
        replicas=[{"regionName": "eu-west-1", "kmsKeyArn": "arn"}],
        tags={"costCentre": "one"},
    )
    stage = _resource("aws:apigateway/stage:Stage", restApi="api", deployment="first")
    files = terraform_json.render([table, stage])
    assert files["aws_dynamodb_table.tf.json"]["resource"]["aws_dynamodb_table"]["thing"] == {
        "attribute": [{"name": "key", "type": "S"}],
        "global_secondary_index": [{"name": "byKey", "projection_type": "ALL"}],
        "replica": [{"region_name": "eu-west-1", "kms_key_arn": "arn"}],
        "tags": {"costCentre": "one"},
        "lifecycle": {"create_before_destroy": True, "prevent_destroy": False},
    }
    rendered = files["aws_api_gateway_stage.tf.json"]["resource"]["aws_api_gateway_stage"]["thing"]
    assert rendered["rest_api_id"] == "api" and rendered["deployment_id"] == "first"


@pytest.mark.parametrize("kind", (*terraform_json.TYPES, *terraform_json.RENAMED))
def test_every_irregular_type_and_property_is_one_of_the_provider(kind: str) -> None:
    renamed = terraform_json.RENAMED.get(kind, {})
    with pytest.raises(terraform_json.RenderError, match="no property missing"):
        terraform_json.render([_resource(kind, **dict.fromkeys(renamed, "value"), missing=True)])


@pytest.mark.conformance
@pytest.mark.usefixtures("jobs")
def test_resources_refer_to_each_other_as_in_terraform() -> None:
    inputs = {
        resource.kind: resource.inputs
        for resource in terraform_json.declared_resources(STACK)
        if resource.name == f"{NAME}-function"
        or (resource.kind.endswith(":RolePolicy") and f"{NAME}-function-" in resource.name)
    }
    function = f"${{aws_lambda_function.{NAME}-function.function_name}}"
    assert inputs["aws:lambda/alias:Alias"]["functionName"] == function
    group = f"${{aws_cloudwatch_log_group.{NAME}-function.arn}}"
    assert group in inputs["aws:iam/rolePolicy:RolePolicy"]["policy"]
