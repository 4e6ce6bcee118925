"""EventBridge Scheduler, SQS and event source mappings."""

from local.calls import Calls

CALLS = {
    "aws:sqs/queue:Queue": Calls(
        create="create_queue",
        delete="delete_queue",
        named="QueueName",
        renamed={
            "messageRetentionSeconds": "Attributes.MessageRetentionPeriod",
            "sqsManagedSseEnabled": "Attributes.SqsManagedSseEnabled",
            "visibilityTimeoutSeconds": "Attributes.VisibilityTimeout",
        },
        id="{QueueUrl}",
        outputs={
            "name": "{QueueName}",
            "url": "{QueueUrl}",
            "arn": "arn:aws:sqs:{region}:{account}:{QueueName}",
        },
    ),
    "aws:sqs/redrivePolicy:RedrivePolicy": Calls(
        create="set_queue_attributes",
        delete="set_queue_attributes",
        renamed={"redrivePolicy": "Attributes.RedrivePolicy"},
        id="{QueueUrl}",
        deletion={"Attributes": {"RedrivePolicy": ""}},
    ),
    "aws:lambda/eventSourceMapping:EventSourceMapping": Calls(
        create="create_event_source_mapping",
        delete="delete_event_source_mapping",
        renamed={"destinationArn": "Destination"},
        id="{UUID}",
        outputs={"uuid": "{UUID}", "functionArn": "{FunctionArn}"},
    ),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": Calls(
        create="put_function_event_invoke_config",
        delete="delete_function_event_invoke_config",
        id="{FunctionName}:{Qualifier}",
    ),
    "aws:scheduler/schedule:Schedule": Calls(
        create="create_schedule",
        delete="delete_schedule",
        named="Name",
        id="default/{Name}",
        outputs={"name": "{Name}", "arn": "{ScheduleArn}"},
    ),
}
