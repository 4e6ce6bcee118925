"""Arguments of boto3's operations, made of the provider's properties."""

from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from local import resources
from local.calls import arguments
from local.provisioner import PROVISIONERS, Provisioned, provision, service_of
from local.pulumi_program import Properties, Resource


def _client(service: str) -> Any:
    return boto3.client(
        service, region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b"
    )


def test_every_table_names_operations_and_arguments_of_boto3() -> None:
    modules = [each for each in vars(resources).values() if hasattr(each, "CALLS")]
    checked = 0
    for kind, calls in (pair for module in modules for pair in module.CALLS.items()):
        model = _client(service_of(kind)).meta
        operations = [calls.create, *filter(None, (calls.updates, calls.deletes)), *calls.after]
        shapes = {
            name: model.service_model.operation_model(model.method_to_api_mapping[name]).input_shape
            for name in operations
        }
        given = {calls.named.partition(".")[0], *calls.fixed} - {""}
        assert kind in PROVISIONERS
        assert given <= set(shapes[calls.create].members), kind
        assert set(calls.deletion) <= set(shapes[calls.deletes].members if calls.deletes else ()), (
            kind
        )
        checked += 1
    assert checked > 20


@pytest.mark.parametrize(
    ("service", "operation", "declared", "expected"),
    [
        (
            "cloudwatch",
            "put_metric_alarm",
            {"okActions": ["a"], "dimensions": {"Stage": "dev"}, "tags": {"owner": "me"}},
            {
                "OKActions": ["a"],
                "Dimensions": [{"Name": "Stage", "Value": "dev"}],
                "Tags": [{"Key": "owner", "Value": "me"}],
            },
        ),
        (
            "apigateway",
            "create_rest_api",
            {"endpointConfiguration": {"types": "REGIONAL"}, "tags": {"owner": "me"}},
            {"endpointConfiguration": {"types": ["REGIONAL"]}, "tags": {"owner": "me"}},
        ),
        (
            "wafv2",
            "create_web_acl",
            {"visibilityConfig": {"cloudwatchMetricsEnabled": True}},
            {"VisibilityConfig": {"CloudWatchMetricsEnabled": True}},
        ),
        (
            "s3",
            "put_public_access_block",
            {"bucket": "films", "blockPublicAcls": True},
            {"Bucket": "films", "PublicAccessBlockConfiguration": {"BlockPublicAcls": True}},
        ),
        ("kms", "create_key", {"tags": {"a": "b"}}, {"Tags": [{"TagKey": "a", "TagValue": "b"}]}),
        ("lambda", "create_function", {"kmsKeyArn": "arn"}, {"KMSKeyArn": "arn"}),
    ],
)
def test_properties_get_the_names_and_the_structure_of_the_operation(
    service: str, operation: str, declared: Properties, expected: Properties
) -> None:
    assert arguments(_client(service), operation, declared) == expected
    assert not declared


def _provision(client: Any, kind: str, inputs: Properties) -> Provisioned:
    stack: Any = SimpleNamespace(
        account="000000000000", region="eu-central-1", client=lambda _: client
    )
    resource = Resource(kind=kind, name="it", urn="urn", parent="", inputs=inputs)
    return provision(stack, resource)


def test_a_resource_is_deleted_by_the_arguments_and_the_response_of_its_creation() -> None:
    client = _client("sqs")
    with Stubber(client) as stub:
        attributes = {"SqsManagedSseEnabled": "true", "VisibilityTimeout": "30"}
        created = {"QueueName": "orders", "Attributes": attributes}
        stub.add_response("create_queue", {"QueueUrl": "https://queue"}, created)
        stub.add_response("delete_queue", {}, {"QueueUrl": "https://queue"})
        made = _provision(
            client,
            "aws:sqs/queue:Queue",
            {"name": "orders", "sqsManagedSseEnabled": True, "visibilityTimeoutSeconds": 30},
        )
        made.delete()
        stub.assert_no_pending_responses()
    assert made.outputs["arn"] == "arn:aws:sqs:eu-central-1:000000000000:orders"


def test_a_property_that_no_operation_accepts_is_a_line(capfd: pytest.CaptureFixture[str]) -> None:
    client = _client("sqs")
    with Stubber(client) as stub:
        stub.add_response("create_queue", {"QueueUrl": "https://queue"}, {"QueueName": "orders"})
        inputs = {"name": "orders", "colour": "red"}
        assert _provision(client, "aws:sqs/queue:Queue", inputs).id == "https://queue"
    assert "Queue (it): the local run ignores colour" in capfd.readouterr().err
