"""EpochBucket: an S3 bucket."""

import pulumi
import pulumi_aws as aws

from components.component import EpochComponent
from components.iam import policies
from components.naming import bucket_name
from function.declare.bucket import Bucket


class EpochBucket(EpochComponent):
    """A private bucket, which refuses requests without TLS. S3 encrypts each object by default."""

    def __init__(
        self,
        name: str,
        *,
        bucket: Bucket,
        protect: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        self.bucket = aws.s3.Bucket(bucket_name(name), opts=self.child(protect=protect))
        private = aws.s3.BucketPublicAccessBlock(
            name,
            bucket=self.bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self.child(),
        )
        aws.s3.BucketPolicy(
            name,
            bucket=self.bucket.id,
            policy=self.bucket.arn.apply(_tls_only),
            # S3 accepts one change of a bucket's access at a time.
            opts=self.child(depends_on=[private]),
        )
        versioning: list[pulumi.Resource] = []
        if bucket.versioned:
            versioning = [
                aws.s3.BucketVersioning(
                    name,
                    bucket=self.bucket.id,
                    versioning_configuration={"status": "Enabled"},
                    opts=self.child(),
                )
            ]
        if bucket.cors:
            aws.s3.BucketCorsConfiguration(
                name,
                bucket=self.bucket.id,
                cors_rules=[
                    {
                        "allowed_origins": list(bucket.cors),
                        "allowed_methods": ["GET", "HEAD", "POST", "PUT"],
                        "allowed_headers": ["*"],
                        "expose_headers": ["ETag"],
                        "max_age_seconds": 3_600,
                    }
                ],
                opts=self.child(),
            )
        if days := bucket.expires_after_days:
            aws.s3.BucketLifecycleConfiguration(
                name,
                bucket=self.bucket.id,
                rules=[
                    {
                        "id": "expire",
                        "status": "Enabled",
                        "filter": {"prefix": ""},
                        "expiration": {"days": days},
                        # Without versions, there are no noncurrent ones.
                        "noncurrent_version_expiration": {"noncurrent_days": days},
                        # S3 bills the parts of an upload that nobody completes.
                        "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
                    }
                ],
                opts=self.child(depends_on=versioning),
            )
        self.declared = bucket
        self.name = self.bucket.id
        self.arn = self.bucket.arn


def _tls_only(arn: str) -> str:
    return policies.document(
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, f"{arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    )
