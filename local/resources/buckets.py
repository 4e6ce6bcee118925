"""S3 buckets and their settings."""

from functools import partial

from local.calls import Calls, arguments
from local.provisioner import Context, Provisioned, provisions, take
from local.pulumi_program import Properties

CALLS = {
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": Calls(
        create="put_public_access_block",
        delete="delete_public_access_block",
        renamed={
            name: f"PublicAccessBlockConfiguration.{name}"
            for name in (
                *("blockPublicAcls", "blockPublicPolicy"),
                *("ignorePublicAcls", "restrictPublicBuckets"),
            )
        },
        id="{Bucket}",
    ),
    "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": Calls(
        create="put_bucket_cors",
        delete="delete_bucket_cors",
        renamed={"corsRules": "CORSConfiguration.CORSRules"},
        id="{Bucket}",
    ),
    "aws:s3/bucketVersioning:BucketVersioning": Calls(
        create="put_bucket_versioning", id="{Bucket}"
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": Calls(
        create="put_bucket_lifecycle_configuration",
        delete="delete_bucket_lifecycle",
        renamed={"rules": "LifecycleConfiguration.Rules"},
        id="{Bucket}",
    ),
}


@provisions("aws:s3/bucket:Bucket")
def _bucket(context: Context, declared: Properties) -> Provisioned:
    name = declared.pop("bucket", None) or context.physical_name(declared)
    # S3 refuses the name of its default region.
    place = {"CreateBucketConfiguration": {"LocationConstraint": context.region}}
    context.client.create_bucket(Bucket=name, **({} if context.region == "us-east-1" else place))
    if tags := declared.pop("tags", {}):
        tagging = {"bucket": name, "tagging": {"tagSet": tags}}
        context.client.put_bucket_tagging(
            **arguments(context.client, "put_bucket_tagging", tagging)
        )

    def delete() -> None:
        for page in context.client.get_paginator("list_object_versions").paginate(Bucket=name):
            for found in page.get("Versions", []) + page.get("DeleteMarkers", []):
                version = {"Key": found["Key"], "VersionId": found["VersionId"]}
                context.client.delete_object(Bucket=name, **version)
        context.client.delete_bucket(Bucket=name)

    return Provisioned(id=name, outputs={"arn": f"arn:aws:s3:::{name}"}, delete=delete)


@provisions("aws:s3/bucketNotification:BucketNotification")
def _notification(context: Context, declared: Properties) -> Provisioned:
    name = declared.pop("bucket")

    def configured(function: Properties) -> Properties:
        rules = take(function, filterPrefix="prefix", filterSuffix="suffix")
        return {
            **take(function, lambdaFunctionArn="LambdaFunctionArn", events="Events"),
            "Filter": {"Key": {"FilterRules": [{"Name": k, "Value": rules[k]} for k in rules]}},
        }

    put = partial(context.client.put_bucket_notification_configuration, Bucket=name)
    functions = [configured(function) for function in declared.pop("lambdaFunctions")]
    put(NotificationConfiguration={"LambdaFunctionConfigurations": functions})
    return Provisioned(id=name, delete=partial(put, NotificationConfiguration={}))
