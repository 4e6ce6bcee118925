"""A job with an ObjectTrigger, in a local run of a copy of the project."""

from pathlib import Path

from tests.conftest import run_python

JOB = '''"""Fails for an object with the key `in/bad 1.png`."""

from function.declare.job import Job
from function.declare.trigger import CreatedObject, ObjectTrigger


def handle(item: CreatedObject) -> dict[str, str]:
    """Log the key and the size."""
    if item.key == "in/bad 1.png":
        raise ValueError("bad")
    return {"key": item.key, "size": str(item.size)}


JOB = Job(
    trigger=ObjectTrigger(bucket="uploads", prefix="in/", max_attempts=1),
    summary="Handles uploads.",
    handle=handle,
)
'''
BUCKETS = '''"""The buckets."""

from function.declare.bucket import Bucket

UPLOADS = Bucket(name="uploads", expires_after_days=1)
'''
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
    (bucket,) = [b["Name"] for b in client("s3").list_buckets()["Buckets"] if "uploads" in b["Name"]]
    form = client("s3").generate_presigned_post(bucket, "in/a b.png")
    sent = {**form["fields"], "file": ("file", b"12345")}
    assert local_stack.HTTP.request("POST", form["url"], fields=sent).status == 204
    for key in ("other.png", "in/bad 1.png"):
        client("s3").put_object(Bucket=bucket, Key=key, Body=b"12345")
    (url,) = [u for u in client("sqs").list_queues()["QueueUrls"] if "dead-letters" in u]
    (letter,) = until(lambda: client("sqs").receive_message(QueueUrl=url).get("Messages"))
    assert "in/bad+1.png" in letter["Body"], letter
    logs = client("logs")
    (group,) = [g["logGroupName"] for g in logs.describe_log_groups()["logGroups"] if "resize" in g["logGroupName"]]
    text = lambda: "".join(e["message"] for e in logs.filter_log_events(logGroupName=group)["events"])
    assert until(lambda: "in/a b.png" in text()), text()
    assert "other.png" not in text()
    print("done")
"""


def test_a_job_handles_created_objects_and_keeps_the_failed_one(project: Path) -> None:
    project.joinpath("function", "jobs", "resize.py").write_text(JOB, encoding="utf-8")
    project.joinpath("function", "buckets.py").write_text(BUCKETS, encoding="utf-8")
    assert run_python(project, "-c", RUN).endswith("done\n")
