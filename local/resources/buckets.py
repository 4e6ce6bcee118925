"""S3 buckets and their settings."""

from typing import Any

from local.calls import Calls
from local.provisioner import Context
from local.pulumi_program import Properties


def _bucket(context: Context, declared: Properties) -> None:
    declared |= {"name": declared.pop("bucket")} if "bucket" in declared else {}
    if context.stack.region != "us-east-1":  # S3 refuses the name of its default region
        declared["createBucketConfiguration"] = {"locationConstraint": context.stack.region}


def _delete_objects(client: Any, bucket: Properties) -> None:
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket["Bucket"]):
        for found in page.get("Versions", []) + page.get("DeleteMarkers", []):
            version = {"Key": found["Key"], "VersionId": found["VersionId"]}
            client.delete_object(Bucket=bucket["Bucket"], **version)


def _notification(_: Context, declared: Properties) -> None:
    for function in declared["lambdaFunctions"]:
        rules = {
            name: function.pop(f"filter{name}")
            for name in ("Prefix", "Suffix")
            if f"filter{name}" in function
        }
        function["filter"] = {"key": {"filterRules": rules}}


CALLS = {
    "aws:s3/bucket:Bucket": Calls(
        "create_bucket",
        after=("put_bucket_tagging",),
        adapt=_bucket,
        empty=_delete_objects,
        named="Bucket",
        renamed={"tags": "Tagging.TagSet"},
        arn="arn:aws:s3:::{name}",
    ),
    "aws:s3/bucketNotification:BucketNotification": Calls(
        "put_bucket_notification_configuration",
        delete="put_bucket_notification_configuration",
        adapt=_notification,
        renamed={"lambdaFunctions": "LambdaFunctionConfigurations"},
        deletion={"NotificationConfiguration": {}},
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": Calls("put_public_access_block"),
    "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": Calls("put_bucket_cors"),
    "aws:s3/bucketVersioning:BucketVersioning": Calls("put_bucket_versioning", delete=None),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": Calls(
        "put_bucket_lifecycle_configuration", delete="delete_bucket_lifecycle"
    ),
}
