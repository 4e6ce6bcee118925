"""Jobs that start by objects, topics, events and FIFO queues, in a local run of a copy."""

from pathlib import Path

from tests.conftest import run_python

# Fails for an item with the word `wrong`. An identifier is hexadecimal, and may hold "bad".
JOB = '''"""Handles items of one trigger."""

from function.declare.job import Job
from function.declare.trigger import *


def handle(item):
    """Log the item; fail for a wrong one."""
    if "wrong" in str(item[:4]):
        raise ValueError("wrong")
    return {{"item": {shown}}}


JOB = Job(trigger={trigger}, summary="Handles items.", handle=handle, timeout_s=1)
'''
JOBS = {
    "resize": ("item.key", 'ObjectTrigger(bucket="uploads", prefix="in/", max_attempts=1)'),
    "tell": (
        "item.body['kind'] + item.attributes['size']",
        'TopicTrigger(topic="news", filter_policy={"size": ["big"]}, max_attempts=1)',
    ),
    "hear": (
        "item.body['kind']",
        'TopicTrigger(topic="foreign", filter_policy={"kind": ["ours"]}, filter_body=True)',
    ),
    "watch": (
        "item.detail['kind']",
        'EventTrigger(pattern={"source": ["shop"]}, bus="aws.partner/shop", max_attempts=1)',
    ),
    "book": ("item.body['kind']", 'QueueTrigger(queue="seats", max_attempts=1)'),
}
DECLARED = {
    "buckets": 'from function.declare.bucket import Bucket\nUPLOADS = Bucket(name="uploads")',
    "queues": 'from function.declare.queue import Queue\nSEATS = Queue(name="seats", fifo=True)',
    "topics": "from function.declare.topic import Topic\n"
    'NEWS, FOREIGN = Topic(name="news"), '
    'Topic(name="foreign", arn="arn:aws:sns:eu-west-1:210987654321:abroad")',
}
RUN = """
import json, time
from local import local_stack, stack_files

def until(condition):
    deadline = time.monotonic() + 60
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found

with local_stack.up(stack_files.default_stack()) as stack:
    client = stack.emulator.client
    sqs, sns, events = client("sqs"), client("sns"), client("events")
    queues = {url.partition("-job-")[2].partition("-dead")[0]: url for url in sqs.list_queues()["QueueUrls"]}
    topics = {arn.partition(":%s-" % stack_files.project_name())[2].partition("-")[2][:4] or arn[-6:]: arn
              for arn in (t["TopicArn"] for t in sns.list_topics()["Topics"])}
    (bucket,) = [b["Name"] for b in client("s3").list_buckets()["Buckets"] if "uploads" in b["Name"]]
    for key in ("other.png", "in/a b.png", "in/wrong 1.png"):
        client("s3").put_object(Bucket=bucket, Key=key, Body=b"12345")
    for kind, size in (("fine", "big"), ("wrong", "big"), ("other", "small")):
        attributes = {"size": {"DataType": "String", "StringValue": size}}
        sns.publish(TopicArn=topics["news"], Message=json.dumps({"kind": kind}), MessageAttributes=attributes)
    for kind in ("ours", "theirs"):
        sns.publish(TopicArn=topics["abroad"], Message=json.dumps({"kind": kind}))
    for kind, source in (("fine", "shop"), ("wrong", "shop"), ("other", "bank")):
        entry = {"Source": source, "DetailType": "Sold", "Detail": json.dumps({"kind": kind})}
        events.put_events(Entries=[{**entry, "EventBusName": "aws.partner/shop"}])
    for number, (kind, group) in enumerate((("wrong", "one"), ("fine", "two"))):
        sqs.send_message(
            QueueUrl=queues[""], MessageBody=json.dumps({"kind": kind}), MessageGroupId=group,
            MessageDeduplicationId=str(number),
        )
    for job in ("resize", "tell", "watch", "book"):
        (letter,) = until(lambda: sqs.receive_message(QueueUrl=queues[job]).get("Messages")) or [None]
        assert letter and "wrong" in letter["Body"], (job, letter)
    groups = [g["logGroupName"] for g in client("logs").describe_log_groups()["logGroups"]]
    lines = lambda: {
        (line["route"], line["item"]) for group in groups for line in stack.log_lines(group) if "item" in line
    }
    handled = {
        ("resize", "in/a b.png"), ("tell", "finebig"), ("hear", "ours"), ("watch", "fine"), ("book", "fine"),
    }
    assert until(lambda: handled <= lines()) and lines() == handled, lines()
    print("done")
"""


def test_a_job_of_each_trigger_handles_selected_items_and_keeps_failed_ones(project: Path) -> None:
    for name, (shown, trigger) in JOBS.items():
        text = JOB.format(shown=shown, trigger=trigger)
        project.joinpath("function", "jobs", f"{name}.py").write_text(text, encoding="utf-8")
    for name, text in DECLARED.items():
        project.joinpath("function", f"{name}.py").write_text(f"{text}\n", encoding="utf-8")
    assert run_python(project, "-c", RUN).endswith("done\n")
