"""EventBridge, SQS, Kinesis and event source mappings."""

from contextlib import suppress

from local.calls import Calls
from local.provisioner import Context
from local.pulumi_program import Properties


def _queue(context: Context, declared: Properties) -> None:
    if declared.get("fifoQueue"):  # the provider ends an automatic name in this way, too
        declared["name"] = f"{context.physical_name(declared).removesuffix('.fifo')}.fifo"


def _rule(context: Context, declared: Properties) -> None:
    """Create the rule's bus, which on AWS exists before the stack does."""
    client, bus = context.client, declared["eventBusName"].rpartition("/event-bus/")[2]
    declared["eventBusName"] = bus
    if bus != "default":
        with suppress(client.exceptions.ResourceAlreadyExistsException):
            client.create_event_bus(Name=bus)


def _target(_: Context, declared: Properties) -> None:
    declared["eventBusName"] = declared["eventBusName"].rpartition("/event-bus/")[2]
    declared["targets"] = [{"id": "alias", "arn": declared.pop("arn")}]


CALLS = {
    "aws:sqs/queue:Queue": Calls(
        "create_queue",
        adapt=_queue,
        named="QueueName",
        renamed={
            "delaySeconds": "Attributes.DelaySeconds",
            "fifoQueue": "Attributes.FifoQueue",
            "messageRetentionSeconds": "Attributes.MessageRetentionPeriod",
            "sqsManagedSseEnabled": "Attributes.SqsManagedSseEnabled",
            "visibilityTimeoutSeconds": "Attributes.VisibilityTimeout",
        },
        id="{QueueUrl}",
        arn="arn:aws:sqs:{region}:{account}:{name}",
        outputs={"url": "{QueueUrl}"},
    ),
    "aws:sqs/redrivePolicy:RedrivePolicy": Calls(
        "set_queue_attributes",
        delete="set_queue_attributes",
        renamed={"redrivePolicy": "Attributes.RedrivePolicy"},
        deletion={"Attributes": {"RedrivePolicy": ""}},
    ),
    "aws:lambda/eventSourceMapping:EventSourceMapping": Calls(
        "create_event_source_mapping",
        renamed={"destinationArn": "Destination"},
        outputs={"uuid": "{UUID}", "functionArn": "{FunctionArn}"},
    ),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": Calls(
        "put_function_event_invoke_config"
    ),
    "aws:cloudwatch/eventRule:EventRule": Calls(
        "put_rule", adapt=_rule, named="Name", outputs={"arn": "{RuleArn}"}
    ),
    "aws:cloudwatch/eventTarget:EventTarget": Calls(
        "put_targets",
        delete="remove_targets",
        adapt=_target,
        deletion={"Ids": ["alias"]},
    ),
    "aws:scheduler/schedule:Schedule": Calls("create_schedule", named="Name", arn="{ScheduleArn}"),
    # Only infrastructure.py declares it.
    "aws:kinesis/stream:Stream": Calls(
        "create_stream",
        named="StreamName",
        id="arn:aws:kinesis:{region}:{account}:stream/{name}",
        arn="arn:aws:kinesis:{region}:{account}:stream/{name}",
    ),
}
