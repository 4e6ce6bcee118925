"""Tests of declared buckets: their resources, their permissions and wrong declarations."""

import json
from typing import Any

import pytest

from components.naming import bucket_name
from function import buckets
from function.declare import registry
from function.declare.bucket import Bucket
from function.declare.checks import declaration_errors
from function.declare.errors import DeclarationError
from function.declare.permission import BucketPermission
from function.declare.registry import reference_errors
from local import pulumi_program
from tests.conftest import NAME, STACK, one, plain
from tools.checks import terraform_json

# These tests add a declaration to those of any service.
pytestmark = pytest.mark.conformance


@pytest.fixture(name="declared")
def _declared(monkeypatch: pytest.MonkeyPatch) -> list[pulumi_program.Resource]:
    bucket = Bucket(name="uploads", expires_after_days=7)
    monkeypatch.setattr(buckets, "UPLOADS", bucket, raising=False)
    pages = ("https://shop.example",)
    kept = Bucket(name="kept", expires_after_days=30, versioned=True, cors=pages)
    monkeypatch.setattr(buckets, "KEPT", kept, raising=False)
    uploads = BucketPermission("uploads", ("s3:PutObject",))
    (first, *others) = registry.load_endpoints()
    first = first._replace(permissions=(*first.permissions, uploads))
    monkeypatch.setattr(registry, "load_endpoints", lambda: (first, *others))
    return pulumi_program.declared_resources(STACK, config=plain())


def test_a_bucket_is_private_requires_tls_and_expires_its_objects(
    declared: list[pulumi_program.Resource],
) -> None:
    block = one(declared, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "-uploads")
    assert [value for name, value in block.items() if name != "bucket"] == [True] * 4
    policy = json.loads(one(declared, "aws:s3/bucketPolicy:BucketPolicy", "-uploads")["policy"])
    assert policy["Statement"][0]["Effect"] == "Deny"
    assert policy["Statement"][0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    rules = one(
        declared, "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "-uploads"
    )
    assert rules["rules"][0]["expiration"] == {"days": 7}
    assert rules["rules"][0]["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 7}
    function = one(declared, "aws:lambda/function:Function", "-function")
    variables = function["environment"]["variables"]
    assert variables["BUCKET_UPLOADS_NAME"].endswith(f"{bucket_name(NAME)}-uploads")
    assert "BUCKET_KEPT_NAME" not in variables  # no endpoint may use it
    assert "aws_s3_bucket.tf.json" in terraform_json.render(declared)


def test_a_bucket_keeps_versions_and_allows_pages_as_declared(
    declared: list[pulumi_program.Resource],
) -> None:
    versioning = one(declared, "aws:s3/bucketVersioning:BucketVersioning")
    assert versioning["versioningConfiguration"] == {"status": "Enabled"}
    (rule,) = one(declared, "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration")["corsRules"]
    assert rule["allowedOrigins"] == ["https://shop.example"]
    assert {"GET", "POST"} <= {*rule["allowedMethods"]}
    kind = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
    (rule,) = one(declared, kind, "-kept")["rules"]
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 30}


def test_a_permission_needs_a_declared_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    permission = BucketPermission(bucket="uploads", actions=("s3:GetObject",))
    monkeypatch.setitem(registry.LOADERS, "bucket", dict)
    assert list(reference_errors(permission)) == ["unknown bucket 'uploads'; known: none"]


@pytest.mark.parametrize("actions", [(), ("s3:*",), ("s3:DeleteBucket",)])
def test_a_permission_names_actions_on_objects(actions: tuple[str, ...]) -> None:
    assert list(declaration_errors(BucketPermission(bucket="uploads", actions=actions)))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"name": "Up_loads"}, "name: 'Up_loads' is not words"),
        ({"name": "wrong", "expires_after_days": -1}, "expires_after_days must be from 0"),
        ({"name": "wrong", "cors": ("https://a.example/",)}, "cors: 'https://a.example/' must be"),
    ],
)
def test_a_wrong_bucket_is_refused(
    monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any], message: str
) -> None:
    monkeypatch.setattr(buckets, "WRONG", Bucket(**wrong), raising=False)
    with pytest.raises(DeclarationError, match=f"function/buckets.py: WRONG: {message}"):
        registry.load_buckets()
