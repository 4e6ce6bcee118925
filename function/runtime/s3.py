"""Calls S3 for the stack's buckets."""

import os
from typing import Any

from function.declare.bucket import Bucket
from function.runtime import aws_client


def call(operation: str, bucket: Bucket, **request: Any) -> dict[str, Any]:
    """Call an operation of boto3's S3 client on a bucket, and return its response.

    Raises:
    - Problem with 503 if S3 throttles the call or does not answer.
    - botocore's ClientError for any other error.
    """
    name = os.environ[bucket.env_var]
    return aws_client.send("s3", operation, {"bucket_name": name}, {"Bucket": name, **request})


def presigned_url(
    operation: str, bucket: Bucket, *, expires_after_s: int = 300, **request: Any
) -> str:
    """Return a URL with which anyone can make one request, such as put_object or get_object.

    S3 allows the request if the function's role allows it. The URL expires after
    `expires_after_s`, or with the credentials of the role, after some hours at most.
    """
    name = os.environ[bucket.env_var]
    return aws_client.presigned_url("s3", operation, {"Bucket": name, **request}, expires_after_s)
