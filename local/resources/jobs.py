"""EventBridge Scheduler, SQS, and what starts a function from them or from a stream."""

from functools import partial

from local.program import Properties
from local.provisioner import Context, Created, pascal, present, translates


@translates("aws:sqs/queue:Queue")
def _queue(context: Context, declared: Properties) -> Created:
    client = context.stack.client("sqs")
    name = context.physical_name(declared)
    attributes = present(
        declared,
        messageRetentionSeconds="MessageRetentionPeriod",
        sqsManagedSseEnabled="SqsManagedSseEnabled",
        visibilityTimeoutSeconds="VisibilityTimeout",
    )
    url = client.create_queue(
        QueueName=name,
        Attributes={key: str(value).lower() for key, value in attributes.items()},
        tags=declared.pop("tags", {}),
    )["QueueUrl"]
    return Created(
        id=url,
        outputs={
            "name": name,
            "url": url,
            "arn": f"arn:aws:sqs:{context.region}:{context.stack.account}:{name}",
        },
        delete=partial(client.delete_queue, QueueUrl=url),
    )


@translates("aws:sqs/redrivePolicy:RedrivePolicy")
def _redrive_policy(context: Context, declared: Properties) -> Created:
    client = context.stack.client("sqs")
    url = declared.pop("queueUrl")
    put = partial(client.set_queue_attributes, QueueUrl=url)
    put(Attributes={"RedrivePolicy": declared.pop("redrivePolicy")})
    return Created(id=url, delete=partial(put, Attributes={"RedrivePolicy": ""}))


@translates("aws:lambda/eventSourceMapping:EventSourceMapping")
def _event_source_mapping(context: Context, declared: Properties) -> Created:
    client = context.stack.client("lambda")
    failed = declared.pop("destinationConfig", None)
    failed_to = failed and {"OnFailure": {"Destination": failed["onFailure"]["destinationArn"]}}
    made = client.create_event_source_mapping(
        Tags=declared.pop("tags", {}),
        **({"DestinationConfig": failed_to} if failed_to else {}),
        **pascal(
            {
                setting: declared.pop(setting)
                for setting in (
                    *("batchSize", "bisectBatchOnFunctionError"),
                    *("eventSourceArn", "functionName", "functionResponseTypes"),
                    *("maximumRetryAttempts", "scalingConfig", "startingPosition"),
                )
                if setting in declared
            }
        ),
    )
    return Created(
        id=made["UUID"],
        outputs={"uuid": made["UUID"], "functionArn": made["FunctionArn"]},
        delete=partial(client.delete_event_source_mapping, UUID=made["UUID"]),
    )


@translates("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig")
def _event_invoke_config(context: Context, declared: Properties) -> Created:
    client = context.stack.client("lambda")
    where = {"FunctionName": declared.pop("functionName"), "Qualifier": declared.pop("qualifier")}
    client.put_function_event_invoke_config(
        **where,
        MaximumRetryAttempts=declared.pop("maximumRetryAttempts"),
        DestinationConfig=pascal(declared.pop("destinationConfig")),
    )
    return Created(
        id=":".join(where.values()),
        delete=partial(client.delete_function_event_invoke_config, **where),
    )


@translates("aws:scheduler/schedule:Schedule")
def _schedule(context: Context, declared: Properties) -> Created:
    client = context.stack.client("scheduler")
    name = context.physical_name(declared)
    arn = client.create_schedule(
        Name=name,
        ScheduleExpression=declared.pop("scheduleExpression"),
        ScheduleExpressionTimezone=declared.pop("scheduleExpressionTimezone"),
        Description=declared.pop("description"),
        FlexibleTimeWindow=pascal(declared.pop("flexibleTimeWindow")),
        Target=pascal(declared.pop("target")),
    )["ScheduleArn"]
    return Created(
        id=f"default/{name}",
        outputs={"name": name, "arn": arn},
        delete=partial(client.delete_schedule, Name=name),
    )
