"""EventBridge Scheduler, SQS and event source mappings."""

from local.calls import Calls

CALLS = {
    "aws:sqs/queue:Queue": Calls(
        "create_queue",
        named="QueueName",
        renamed={
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
        id="{QueueUrl}",
        deletion={"Attributes": {"RedrivePolicy": ""}},
    ),
    "aws:lambda/eventSourceMapping:EventSourceMapping": Calls(
        "create_event_source_mapping",
        renamed={"destinationArn": "Destination"},
        id="{UUID}",
        outputs={"uuid": "{UUID}", "functionArn": "{FunctionArn}"},
    ),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": Calls(
        "put_function_event_invoke_config", id="{FunctionName}:{Qualifier}"
    ),
    "aws:scheduler/schedule:Schedule": Calls(
        "create_schedule", named="Name", id="default/{Name}", arn="{ScheduleArn}"
    ),
}
