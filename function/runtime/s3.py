"""Calls S3 for the stack's buckets."""

from typing import Any
from urllib.parse import quote

from function.declare.bucket import Bucket
from function.runtime import aws_client


def call(operation: str, bucket: Bucket, **request: Any) -> dict[str, Any]:
    """Call an operation of boto3's S3 client on a bucket, and return its response.

    Raises:
    - Problem with 503 if S3 throttles the call or does not answer.
    - botocore's ClientError for any other error.
    """
    name = aws_client.resource(bucket)
    return aws_client.send("s3", operation, {"bucket_name": name}, {"Bucket": name, **request})


def presigned_upload(
    bucket: Bucket, key: str, *, max_bytes: int, content_type: str, expires_after_s: int = 300
) -> dict[str, Any]:
    """Return the `url` and the `fields` of a form with which anyone can upload one object.

    A client posts the fields, and then the content as `file`, as multipart/form-data. S3 refuses
    more than `max_bytes`, and another Content-Type than `content_type`. With `image/*`, the client
    adds a field Content-Type that begins with `image/`. S3 does not look into the content.

    The endpoint needs s3:PutObject. The form expires after `expires_after_s`, or with the
    credentials of the role, after some hours at most. Raises ValueError for a key with
    `${filename}`, which would let the client choose the object.
    """
    if "${filename}" in key:  # botocore would turn the key into a prefix, and S3 fill in the name
        raise ValueError("the key of an upload must not contain ${filename}: use another text")
    start, wildcard, _ = content_type.partition("*")
    matching = ["starts-with", "$Content-Type", start] if wildcard else {"Content-Type": start}
    form: dict[str, Any] = aws_client.presign(
        "s3",
        "generate_presigned_post",
        Bucket=aws_client.resource(bucket),
        Key=key,
        Fields={} if wildcard else {"Content-Type": start},
        Conditions=[matching, ["content-length-range", 0, max_bytes]],
        ExpiresIn=expires_after_s,
    )
    return form


def presigned_download(
    bucket: Bucket, key: str, *, file_name: str = "", expires_after_s: int = 300
) -> str:
    """Return a URL with which anyone can download one object.

    With `file_name`, a browser saves the object under this name and does not show it. The endpoint
    needs s3:GetObject. The URL expires as a form of `presigned_upload` does.
    """
    request = {"Bucket": aws_client.resource(bucket), "Key": key}
    if file_name:  # RFC 6266, section 4.3
        saved = f"attachment; filename*=UTF-8''{quote(file_name, safe='')}"
        request["ResponseContentDisposition"] = saved
    return str(
        aws_client.presign(
            "s3",
            "generate_presigned_url",
            ClientMethod="get_object",
            Params=request,
            ExpiresIn=expires_after_s,
        )
    )
