"""The triggers of functions in the local run: checked, retried and given up as on AWS."""

import json
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator import scheduler
from local.ministack import MiniStack
from tests.conftest import assume_role
from tests.emulator.conftest import create_function, role_of

REGION = "eu-central-1"
WHERE = f"{REGION}:{MiniStack.account}"

FAILS = """
def handler(event, context):
    print(f"seen {event}")
    raise ValueError("no")
"""

NOTES = """
def handler(event, context):
    print(f"seen {len(event['Records'])}")
"""

STREAM = ("DescribeStream", "GetRecords", "GetShardIterator")

# Fails at the item `bad`: by an answer that names it, or by an exception.
NAMES_THE_BAD = """
def handler(event, context):
    for record in event["Records"]:
        key = record["dynamodb"]["Keys"]["key"]["S"]
        print(f"seen {key}")
        if key == "bad":
            number = record["dynamodb"]["SequenceNumber"]
            return {"batchItemFailures": [{"itemIdentifier": number}]}
"""
DIES_OF_THE_BAD = """
def handler(event, context):
    keys = [record["dynamodb"]["Keys"]["key"]["S"] for record in event["Records"]]
    assert "bad" not in keys, print("seen bad")
    for key in keys:
        print(f"seen {key}")
"""


def _name() -> str:
    return f"t-{secrets.token_hex(4)}"


def _role(emulator: MiniStack, service: str, **allowed: str) -> str:
    """Return the ARN of a role for a service, or for all users, that is allowed actions by
    resource."""
    statements = (
        {"Action": action.replace("_", ":"), "Resource": resource}
        for action, resource in allowed.items()
    )
    return role_of(emulator, *statements, service=service)


def _caller(emulator: MiniStack, **allowed: str) -> MiniStack:
    return assume_role(emulator, _role(emulator, "", **allowed))


def _function(emulator: MiniStack, code: str, **allowed: str) -> str:
    """Return the ARN of a function's alias, whose role is allowed actions by resource."""
    role = _role(emulator, "lambda", logs_PutLogEvents="*", **allowed)
    name = create_function(emulator, code, role, Timeout=5, Publish=True)["FunctionName"]
    client = emulator.client("lambda")
    return str(client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")["AliasArn"])


def _queue(emulator: MiniStack, **attributes: str) -> tuple[str, str]:
    """Return URL and ARN of a queue."""
    name = _name()
    url = emulator.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, f"arn:aws:sqs:{WHERE}:{name}"


def _letters(emulator: MiniStack, url: str) -> list[Any]:
    found = emulator.client("sqs").receive_message(QueueUrl=url, VisibilityTimeout=0)
    return [json.loads(message["Body"]) for message in found.get("Messages", [])]


def _seen(emulator: MiniStack, function: str) -> list[str]:
    """Return the events that a function has printed."""
    logs = emulator.client("logs")
    with suppress(logs.exceptions.ResourceNotFoundException):  # it never ran
        events = logs.filter_log_events(logGroupName=f"/aws/lambda/{function.split(':')[6]}")
        lines = (line for event in events["events"] for line in event["message"].splitlines())
        return [line.removeprefix("seen ") for line in lines if line.startswith("seen ")]
    return []


def _until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 120
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def _schedule(
    caller: MiniStack, function: str, role: str, *, letters: str = "", zone: str = "UTC"
) -> None:
    client = caller.client("scheduler")
    # Far enough for the call to end before: a schedule that is made later is never due.
    moment = datetime.now(UTC).replace(microsecond=0, tzinfo=None) + timedelta(seconds=4)
    client.create_schedule(
        Name=_name(),
        ScheduleExpression=f"at({moment.isoformat()})",
        ScheduleExpressionTimezone=zone,
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": function,
            "RoleArn": role,
            "Input": '"<aws.scheduler.scheduled-time>"',
            **({"DeadLetterConfig": {"Arn": letters}} if letters else {}),
        },
    )


@pytest.mark.parametrize(
    ("expression", "after", "runs"),
    (
        ("cron(0 9 * * ? *)", "2026-01-05T00:00Z", ["05 08:00"]),
        ("cron(0 9 * * ? *)", "2026-07-05T00:00Z", ["05 07:00"]),
        ("at(2026-07-05T09:00:00)", "2026-01-05T00:00Z", ["05 07:00", "never"]),
        ("rate(5 minutes)", "2026-01-05T00:00Z", ["05 00:05", "05 00:10"]),
        # On 28 March 2027 the clock skips 02:00 to 03:00.
        ("cron(30 2 * * ? *)", "2027-03-26T12:00Z", ["27 01:30", "29 00:30", "30 00:30"]),
        ("cron(0 3 * * ? *)", "2027-03-27T12:00Z", ["28 01:00"]),
        ("cron(0/30 1-3 28 3 ? *)", "2027-03-27T12:00Z", ["28 00:00", "28 00:30", "28 01:00"]),
        # On 31 October 2027 the clock repeats 02:00 to 03:00.
        ("cron(30 2 * * ? *)", "2027-10-30T12:00Z", ["31 00:30", "01 01:30"]),
        ("cron(0/30 2-3 * * ? *)", "2027-10-30T12:00Z", ["31 00:00", "31 00:30", "31 02:00"]),
        ("cron(40 2 * * ? *)", "2027-10-31T01:20Z", ["01 01:40"]),
    ),
)
def test_a_schedule_is_due_by_the_clock_of_its_zone_and_once_in_repeated_hours(
    expression: str, after: str, runs: list[str]
) -> None:
    zone = "Europe/Berlin"
    schedule = {"ScheduleExpression": expression, "ScheduleExpressionTimezone": zone}
    last, found = datetime.fromisoformat(after).timestamp(), []
    for _ in runs:
        last = scheduler.next_run(schedule, last)
        found.append(datetime.fromtimestamp(last, UTC).strftime("%d %H:%M") if last else "never")
    assert found == runs


@pytest.mark.parametrize(
    ("expression", "valid"),
    (
        ("cron(0 9 ? * MON-FRI *)", True),
        ("rate(5 minutes)", True),
        ("at(2027-01-01T00:00:00)", True),
        ("cron(0 9 ? * SAT-SUN *)", False),
        ("cron(0 25 * *)", False),
        ("rate(0 minutes)", False),
        ("at(tomorrow)", False),
        ("", False),
    ),
)
def test_invalid_schedule_expression_is_refused(expression: str, valid: bool) -> None:
    body = {"ScheduleExpression": expression}
    status, _, reply = scheduler._save_schedule(lambda *_: (200, {}, b""), "name", body)
    assert status == 400
    assert (f"Invalid Schedule Expression {expression}." in reply.decode()) == (not valid)


def test_a_schedule_needs_a_role_that_it_may_be_given_and_take(emulator: MiniStack) -> None:
    function = _function(emulator, FAILS)
    for role in (_role(emulator, "lambda"), f"arn:aws:iam::{MiniStack.account}:role/none"):
        with pytest.raises(ClientError, match="must allow AWS EventBridge Scheduler to assume"):
            _schedule(emulator, function, role)
    role = _role(emulator, "scheduler")
    with pytest.raises(ClientError, match="AccessDenied"):
        _schedule(_caller(emulator, scheduler_CreateSchedule="*"), function, role)
    _schedule(_caller(emulator, scheduler_CreateSchedule="*", iam_PassRole=role), function, role)


def test_a_schedule_whose_role_may_not_invoke_ends_as_a_dead_letter(emulator: MiniStack) -> None:
    function = _function(emulator, FAILS)
    url, letters = _queue(emulator)
    role = _role(emulator, "scheduler", sqs_SendMessage=letters)
    _schedule(emulator, function, role, letters=letters)
    (moment,) = _until(lambda: _letters(emulator, url))
    assert datetime.fromisoformat(moment).tzinfo and not _seen(emulator, function)


def test_what_runs_unattended_is_retried_as_its_alias_says(emulator: MiniStack) -> None:
    url, letters = _queue(emulator)
    function = _function(emulator, FAILS, sqs_SendMessage=letters)
    client, name = emulator.client("lambda"), function.split(":")[6]
    client.put_function_event_invoke_config(
        FunctionName=name,
        Qualifier="live",
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": letters}},
    )
    _schedule(emulator, function, _role(emulator, "scheduler", lambda_InvokeFunction=function))
    (letter,) = _until(lambda: _letters(emulator, url))
    assert len(_seen(emulator, function)) == 2
    assert datetime.fromisoformat(letter["requestPayload"]).tzinfo
    with pytest.raises(ClientError, match="permissions to call SendMessage"):
        client.put_function_event_invoke_config(
            FunctionName=name,
            Qualifier="live",
            DestinationConfig={"OnFailure": {"Destination": _queue(emulator)[1]}},
        )


def test_a_mapping_needs_a_role_that_may_read_and_a_queue_that_waits(emulator: MiniStack) -> None:
    client = emulator.client("lambda")
    _, arn = _queue(emulator)
    with pytest.raises(ClientError, match="permissions to call ReceiveMessage"):
        client.create_event_source_mapping(
            EventSourceArn=arn, FunctionName=_function(emulator, FAILS)
        )
    _, short = _queue(emulator, VisibilityTimeout="4")
    with pytest.raises(ClientError, match="4 seconds is less than Function timeout: 5 seconds"):
        client.create_event_source_mapping(
            EventSourceArn=short, FunctionName=_function(emulator, FAILS, sqs_ReceiveMessage=short)
        )


def test_a_queue_is_polled_while_the_role_may(emulator: MiniStack) -> None:
    url, arn = _queue(emulator)
    function = _function(emulator, NOTES, sqs_ReceiveMessage=arn)
    emulator.client("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName=function)
    emulator.client("sqs").send_message(QueueUrl=url, MessageBody="{}")
    lacks = f"its role may not sqs:DeleteMessage, sqs:GetQueueAttributes on {arn}"
    assert _until(lambda: any(lacks in failure for failure in emulator.failures()))
    time.sleep(2)  # more polls
    assert not _seen(emulator, function)
    name = function.split(":")[6]
    role = emulator.client("lambda").get_function_configuration(FunctionName=name)["Role"]
    statement = {"Effect": "Allow", "Action": "sqs:*", "Resource": arn}
    emulator.client("iam").put_role_policy(
        RoleName=role.rpartition("/")[2],
        PolicyName="more",
        PolicyDocument=json.dumps({"Statement": [statement]}),
    )
    assert _until(lambda: _seen(emulator, function)) == ["1"]


def _bucket_of(emulator: MiniStack, function: str) -> tuple[str, Callable[[], object]]:
    s3, bucket = emulator.client("s3"), _name()
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    target = {"LambdaFunctionArn": function, "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [target]}
    )
    return f"arn:aws:s3:::{bucket}", lambda: s3.put_object(Bucket=bucket, Key="a", Body=b"")


def _topic_of(emulator: MiniStack, function: str) -> tuple[str, Callable[[], object]]:
    sns = emulator.client("sns")
    topic = sns.create_topic(Name=_name())["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)
    return topic, lambda: sns.publish(TopicArn=topic, Message="a")


def _rule_of(emulator: MiniStack, function: str) -> tuple[str, Callable[[], object]]:
    events, name = emulator.client("events"), _name()
    rule = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))["RuleArn"]
    events.put_targets(
        Rule=name, Targets=[{"Id": "one", "Arn": function, "Input": '{"Records": [1]}'}]
    )
    event = {"Source": name, "DetailType": "Made", "Detail": "{}"}
    return rule, lambda: events.put_events(Entries=[event])


@pytest.mark.parametrize(
    ("service", "source_of"), (("s3", _bucket_of), ("sns", _topic_of), ("events", _rule_of))
)
def test_a_service_starts_only_a_function_whose_policy_permits_it(
    emulator: MiniStack, service: str, source_of: Callable[..., tuple[str, Callable[[], object]]]
) -> None:
    function = _function(emulator, NOTES)
    source, send = source_of(emulator, function)
    send()
    lacks = f"does not let {service}.amazonaws.com invoke it for {source}"
    assert _until(lambda: any(lacks in failure for failure in emulator.failures()))
    assert not _seen(emulator, function)
    emulator.client("lambda").add_permission(
        FunctionName=function.split(":")[6],
        Qualifier="live",
        StatementId="source",
        Action="lambda:InvokeFunction",
        Principal=f"{service}.amazonaws.com",
        SourceArn=source,
        SourceAccount=MiniStack.account,
    )
    send()
    assert _until(lambda: _seen(emulator, function)) == ["1"]


def _table(emulator: MiniStack) -> tuple[str, str]:
    """Return name and stream of a table with the items a, bad, c, d."""
    client, name = emulator.client("dynamodb"), _name()
    made = client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]
    for key in ("a", "bad", "c", "d"):
        client.put_item(TableName=name, Item={"key": {"S": key}})
    return name, made["LatestStreamArn"]


@pytest.mark.parametrize(
    ("code", "settings"),
    [
        (NAMES_THE_BAD, {"FunctionResponseTypes": ["ReportBatchItemFailures"]}),
        (DIES_OF_THE_BAD, {"BisectBatchOnFunctionError": True}),
    ],
)
def test_a_bad_record_of_a_stream_is_given_up_and_no_other_is_lost(
    emulator: MiniStack, code: str, settings: Mapping[str, Any]
) -> None:
    _, stream = _table(emulator)
    url, letters = _queue(emulator)
    reads = {f"dynamodb_{action}": stream for action in STREAM}
    function = _function(emulator, code, sqs_SendMessage=letters, **reads)
    emulator.client("lambda").create_event_source_mapping(
        EventSourceArn=stream,
        FunctionName=function,
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": letters}},
        **{"BisectBatchOnFunctionError": True, **settings},
    )
    (letter,) = _until(lambda: _letters(emulator, url))
    assert letter["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert letter["DDBStreamBatchInfo"]["batchSize"] == 1
    assert _until(lambda: "d" in _seen(emulator, function))
    good = [key for key in _seen(emulator, function) if key != "bad"]
    assert sorted(set(good)) == ["a", "c", "d"] and good.count("a") == 1
