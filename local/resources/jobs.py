"""EventBridge Scheduler, SQS and event source mappings."""

from functools import partial

from local.pulumi_program import Properties
from local.provisioner import Context, Provisioned, provisions, take, take_pascal


@provisions("aws:sqs/queue:Queue")
def _queue(context: Context, declared: Properties) -> Provisioned:
    name = context.physical_name(declared)
    attributes = take(
        declared,
        messageRetentionSeconds="MessageRetentionPeriod",
        sqsManagedSseEnabled="SqsManagedSseEnabled",
        visibilityTimeoutSeconds="VisibilityTimeout",
    )
    url = context.client.create_queue(
        QueueName=name,
        Attributes={key: str(value).lower() for key, value in attributes.items()},
        tags=declared.pop("tags", {}),
    )["QueueUrl"]
    return Provisioned(
        id=url,
        outputs={
            "name": name,
            "url": url,
            "arn": f"arn:aws:sqs:{context.region}:{context.stack.account}:{name}",
        },
        delete=partial(context.client.delete_queue, QueueUrl=url),
    )


@provisions("aws:sqs/redrivePolicy:RedrivePolicy")
def _redrive_policy(context: Context, declared: Properties) -> Provisioned:
    url = declared.pop("queueUrl")
    put = partial(context.client.set_queue_attributes, QueueUrl=url)
    put(Attributes={"RedrivePolicy": declared.pop("redrivePolicy")})
    return Provisioned(id=url, delete=partial(put, Attributes={"RedrivePolicy": ""}))


@provisions("aws:lambda/eventSourceMapping:EventSourceMapping")
def _event_source_mapping(context: Context, declared: Properties) -> Provisioned:
    failed = declared.pop("destinationConfig", None)
    failed_to = failed and {"OnFailure": {"Destination": failed["onFailure"]["destinationArn"]}}
    made = context.client.create_event_source_mapping(
        Tags=declared.pop("tags", {}),
        **({"DestinationConfig": failed_to} if failed_to else {}),
        **take_pascal(
            declared,
            *("batchSize", "bisectBatchOnFunctionError"),
            *("eventSourceArn", "functionName", "functionResponseTypes"),
            *("maximumRetryAttempts", "scalingConfig", "startingPosition"),
        ),
    )
    return Provisioned(
        id=made["UUID"],
        outputs={"uuid": made["UUID"], "functionArn": made["FunctionArn"]},
        delete=partial(context.client.delete_event_source_mapping, UUID=made["UUID"]),
    )


@provisions("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig")
def _event_invoke_config(context: Context, declared: Properties) -> Provisioned:
    where = {"FunctionName": declared.pop("functionName"), "Qualifier": declared.pop("qualifier")}
    context.client.put_function_event_invoke_config(
        **where,
        **take_pascal(declared, "maximumRetryAttempts", "destinationConfig"),
    )
    return Provisioned(
        id=":".join(where.values()),
        delete=partial(context.client.delete_function_event_invoke_config, **where),
    )


@provisions("aws:scheduler/schedule:Schedule")
def _schedule(context: Context, declared: Properties) -> Provisioned:
    name = context.physical_name(declared)
    arn = context.client.create_schedule(
        Name=name,
        **take_pascal(
            declared,
            *("scheduleExpression", "scheduleExpressionTimezone", "description"),
            *("flexibleTimeWindow", "target"),
        ),
    )["ScheduleArn"]
    return Provisioned(
        id=f"default/{name}",
        outputs={"name": name, "arn": arn},
        delete=partial(context.client.delete_schedule, Name=name),
    )
