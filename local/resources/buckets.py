"""S3 buckets and their settings."""

from functools import partial

from local.provisioner import Context, Provisioned, provisions, take, take_pascal, to_pascal_case
from local.pulumi_program import Properties


@provisions("aws:s3/bucket:Bucket")
def _bucket(context: Context, declared: Properties) -> Provisioned:
    name = declared.pop("bucket", None) or context.physical_name(declared)
    # S3 refuses the name of its default region.
    place = {"CreateBucketConfiguration": {"LocationConstraint": context.region}}
    context.client.create_bucket(Bucket=name, **({} if context.region == "us-east-1" else place))
    tags = [{"Key": key, "Value": value} for key, value in declared.pop("tags", {}).items()]
    if tags:
        context.client.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})

    def delete() -> None:
        for page in context.client.get_paginator("list_objects_v2").paginate(Bucket=name):
            for found in page.get("Contents", []):
                context.client.delete_object(Bucket=name, Key=found["Key"])
        context.client.delete_bucket(Bucket=name)

    return Provisioned(id=name, outputs={"arn": f"arn:aws:s3:::{name}"}, delete=delete)


@provisions("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
def _public_access_block(context: Context, declared: Properties) -> Provisioned:
    name = declared.pop("bucket")
    settings = take_pascal(
        declared,
        *("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"),
    )
    context.client.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=settings)
    return Provisioned(
        id=name, delete=partial(context.client.delete_public_access_block, Bucket=name)
    )


@provisions("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
def _lifecycle(context: Context, declared: Properties) -> Provisioned:
    name = declared.pop("bucket")
    rules = [{"ID": rule.pop("id"), **to_pascal_case(rule)} for rule in declared.pop("rules")]
    context.client.put_bucket_lifecycle_configuration(
        Bucket=name, LifecycleConfiguration={"Rules": rules}
    )
    return Provisioned(id=name, delete=partial(context.client.delete_bucket_lifecycle, Bucket=name))


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
